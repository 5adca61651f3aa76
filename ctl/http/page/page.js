// SPDX-License-Identifier: Apache-2.0
// The status page: asks sluiced while it is seen, and has shown what came. How often, sluiced has a
// say in: each second, but no more than a fiftieth of its thread's time goes into the answers.

import { $, setText } from "./text.js";
import { View } from "./view.js";

const EVERY_MS = 1000, PATIENCE_MS = 5000;
const SHARE = 50, SELDOM_MS = 5000;
const FETCHED = 1000;     // services in one answer, the daemon's most

const view = new View(choose, FETCHED);
let chosen = "", paused = false, lastAnswer = null, waitMs = EVERY_MS;

let timer = 0, asking = null;

async function ask() {
	clearTimeout(timer);
	if (asking)
		asking.abort();
	if (document.hidden || paused)
		return;
	const mine = asking = new AbortController();
	const patience = setTimeout(() => mine.abort(), PATIENCE_MS);
	const query = new URLSearchParams({ limit: FETCHED });
	if ($("search").value.trim())
		query.set("search", $("search").value.trim());
	if (chosen)
		query.set("service", chosen);
	try {
		const response = await fetch("/api/status?" + query, { signal: mine.signal, cache: "no-store" });
		if (!response.ok)
			throw new Error((await response.text()).trim());
		const answer = await response.json();
		if (mine === asking) {
			lastAnswer = new Date();
			waitMs = Math.min(SELDOM_MS, Math.max(EVERY_MS, SHARE * answer.spent_us / 1e3));
			view.show(answer, chosen);
		}
	} catch (error) {
		if (mine === asking)
			view.alarm("sluiced does not answer" + (lastAnswer ? `; what is shown is of ${lastAnswer.toLocaleTimeString()}` : "") +
				(error.name === "AbortError" || error instanceof TypeError ? "." : `: ${error.message}`), true);
	}
	clearTimeout(patience);
	if (mine === asking)
		timer = setTimeout(ask, waitMs);
}

function choose(name) {
	history.replaceState(null, "", name ? "#" + encodeURIComponent(name) : location.pathname);
	chosenChanged(name);
	ask().then(() => name && $("service-title").focus());
}

function chosenChanged(name) {
	if (chosen !== name)
		view.backends.first = 0;
	chosen = name;
	if (!name)
		$("service").hidden = true;
}

function pause() {
	paused = !paused;
	$("pause").setAttribute("aria-pressed", String(paused));
	setText($("pause"), paused ? "Go on" : "Pause");
	ask();
}

function fromAddress() {
	let name = "";
	try {
		name = decodeURIComponent(location.hash.slice(1));
	} catch {
		// Not one of ours.
	}
	chosenChanged(name);
	ask();
}

$("search").addEventListener("input", () => {
	view.services.first = 0;
	ask();
});
$("close").addEventListener("click", () => choose(""));
$("pause").addEventListener("click", pause);
document.addEventListener("visibilitychange", ask);
window.addEventListener("hashchange", fromAddress);
document.addEventListener("keydown", (event) => {
	const typing = event.target === $("search");
	if (event.ctrlKey || event.altKey || event.metaKey)
		return;
	if (event.key === "/" && !typing) {
		event.preventDefault();
		$("search").focus();
	} else if (event.key === "Escape") {
		if (typing)
			$("search").value = "";
		choose("");
		$("search").blur();
	} else if (event.key === "p" && !typing) {
		pause();
	}
});
fromAddress();
