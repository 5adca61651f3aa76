// SPDX-License-Identifier: Apache-2.0
// The status page: asks sluiced each second while it is seen, and shows what became of two answers.
"use strict";

const EVERY_MS = 1000, PATIENCE_MS = 5000;
const POINTS = 60;        // of a chart: a minute
const ROWS = 50;          // of a table at once; charts are drawn for these alone
const FETCHED = 1000;     // services in one answer, the daemon's most

const $ = (id) => document.getElementById(id);

// All text comes in as text nodes, never as HTML.
function make(tag, className, text) {
	const element = document.createElement(tag);
	if (className)
		element.className = className;
	if (text !== undefined)
		element.textContent = text;
	return element;
}

function setText(element, text) {
	if (element.textContent !== text)
		element.textContent = text;
}

function short(number) {
	if (number === null || number === undefined)
		return "–";
	for (const [size, unit] of [[1e12, " T"], [1e9, " G"], [1e6, " M"], [1e4, " k"]])
		if (number >= size)
			return (number / (size === 1e4 ? 1e3 : size)).toFixed(1) + unit;
	return number >= 100 || Number.isInteger(number) ? number.toFixed(0) : number.toFixed(1);
}

function ago(seconds) {
	for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]])
		if (seconds >= 2 * size)
			return Math.floor(seconds / size) + " " + unit;
	return Math.max(0, Math.floor(seconds)) + " s";
}

// ---- rates ----

// Of counters that belong together, by name; with a minute's history.
class Rates {
	constructor() {
		this.rows = new Map();
	}
	// A counter that went back was begun anew, and has no rate until the next answer.
	take(key, clockUs, counters) {
		const row = this.rows.get(key) || { history: {}, rate: {} };
		const seconds = (clockUs - row.clockUs) / 1e6;
		for (const [name, value] of Object.entries(counters)) {
			const known = seconds > 0 && row.counters[name] !== undefined && value >= row.counters[name];
			row.rate[name] = known ? (value - row.counters[name]) / seconds : null;
			const history = row.history[name] = row.history[name] || [];
			history.push(row.rate[name]);
			if (history.length > POINTS)
				history.shift();
		}
		row.clockUs = clockUs;
		row.counters = counters;
		this.rows.set(key, row);
		return row;
	}
	// Forgets those that didn't come with the answer of this time.
	sweep(prefix, clockUs) {
		for (const [key, row] of this.rows)
			if (key.startsWith(prefix) && row.clockUs !== clockUs)
				this.rows.delete(key);
	}
}

// ---- charts ----

const SVG = "http://www.w3.org/2000/svg";

class Chart {
	constructor() {
		this.svg = document.createElementNS(SVG, "svg");
		this.svg.setAttribute("viewBox", "0 0 60 20");
		this.svg.setAttribute("preserveAspectRatio", "none");
		this.svg.setAttribute("role", "img");
		this.area = this.path("area");
		this.curve = this.path("curve");
	}
	path(className) {
		const path = document.createElementNS(SVG, "path");
		path.setAttribute("class", className);
		return this.svg.appendChild(path);
	}
	// `most`: the top of the scale; without it, the highest value.
	draw(values, label, most) {
		const top = most || Math.max(1, ...values);
		const first = POINTS - values.length;
		const points = [];
		values.forEach((value, i) => {
			if (value !== null)
				points.push(`${((first + i) * 60 / (POINTS - 1)).toFixed(2)} ${(19.5 - 19 * Math.min(1, value / top)).toFixed(2)}`);
		});
		const line = points.length > 1 ? "M" + points.join("L") : "";
		this.curve.setAttribute("d", line);
		this.area.setAttribute("d", line && `${line}L60 20L${points[0].split(" ")[0]} 20Z`);
		this.svg.setAttribute("aria-label", label);
	}
}

const panels = new Map();

function panel(key, title, values, text, most) {
	let p = panels.get(key);
	if (!p) {
		p = { figure: make("figure"), value: make("span", "value"), chart: new Chart() };
		const caption = make("figcaption");
		caption.append(make("span", "label", title), p.value);
		p.figure.append(caption, p.chart.svg);
		p.figure.dataset.key = key;
		$("charts").append(p.figure);
		panels.set(key, p);
	}
	p.seen = true;
	setText(p.value, text);
	p.chart.draw(values, `${title}: ${text}; the latest minute`, most);
}

// ---- tables ----

// A table that can be sorted, of which ROWS are shown at a time. A column: title, text(row), and
// maybe number, value(row) to sort by, class(row), chart(row), press(row).
class Table {
	constructor(id, caption, columns, sort) {
		this.table = $(id);
		this.pages = $(id + "-pages");
		this.columns = columns;
		this.sort = sort;
		this.down = false;
		this.first = 0;
		this.shown = [];
		this.rows = [];
		this.table.append(make("caption", "label", caption));
		const head = this.table.appendChild(make("thead")).appendChild(make("tr"));
		this.body = this.table.appendChild(make("tbody"));
		this.heads = columns.map((column, i) => this.makeHead(head, column, i));
		this.before = this.pager("Previous", -ROWS);
		this.position = this.pages.appendChild(make("span"));
		this.after = this.pager("Next", ROWS);
		this.showSort();
	}
	makeHead(row, column, i) {
		const head = row.appendChild(make("th", column.number ? "number" : ""));
		head.scope = "col";
		if (column.chart)
			head.textContent = column.title;
		else
			head.appendChild(make("button", "", column.title)).addEventListener("click", () => {
				this.down = this.sort === i ? !this.down : Boolean(column.number);
				this.sort = i;
				this.first = 0;
				this.showSort();
				this.show(this.rows);
			});
		return head;
	}
	pager(title, step) {
		const button = this.pages.appendChild(make("button", "", title));
		button.type = "button";
		button.addEventListener("click", () => {
			this.first += step;
			this.show(this.rows);
		});
		return button;
	}
	showSort() {
		this.heads.forEach((head, i) => {
			const order = i === this.sort ? (this.down ? "descending" : "ascending") : "none";
			head.setAttribute("aria-sort", order);
			const button = head.querySelector("button");
			if (button)
				button.textContent = this.columns[i].title + { ascending: " ▲", descending: " ▼", none: "" }[order];
		});
	}
	compare(a, b) {
		const column = this.columns[this.sort];
		const [x, y] = [a, b].map(column.value || column.text);
		const order = column.number ? (x ?? -1) - (y ?? -1) : String(x).localeCompare(String(y), "en", { numeric: true });
		return (this.down ? -order : order) || a.key.localeCompare(b.key, "en", { numeric: true });
	}
	show(rows) {
		this.rows = rows;
		const sorted = [...rows].sort((a, b) => this.compare(a, b));
		this.first = Math.max(0, Math.min(this.first, Math.floor((sorted.length - 1) / ROWS) * ROWS));
		const seen = sorted.slice(this.first, this.first + ROWS);
		while (this.shown.length > seen.length)
			this.shown.pop().line.remove();
		while (this.shown.length < seen.length)
			this.shown.push(this.makeLine());
		seen.forEach((row, i) => this.fill(this.shown[i], row));
		this.pages.hidden = sorted.length <= ROWS;
		this.before.disabled = this.first === 0;
		this.after.disabled = this.first + ROWS >= sorted.length;
		setText(this.position, ` ${this.first + 1}–${this.first + seen.length} of ${sorted.length} `);
	}
	makeLine() {
		const made = { line: this.body.appendChild(make("tr")), cells: [], row: null };
		for (const column of this.columns) {
			const cell = made.line.appendChild(make("td", column.number ? "number" : ""));
			const target = column.press ? cell.appendChild(make("button")) : cell;
			if (column.press) {
				target.type = "button";
				target.addEventListener("click", () => column.press(made.row));
			}
			const chart = column.chart && new Chart();
			if (chart)
				cell.append(chart.svg);
			made.cells.push({ cell, target, chart });
		}
		return made;
	}
	fill(made, row) {
		made.row = row;
		made.line.className = row.chosen ? "chosen" : "";
		this.columns.forEach((column, i) => {
			const { cell, target, chart } = made.cells[i];
			if (chart)
				chart.draw(column.chart(row), `${row.name}: ${column.title}`);
			else
				setText(target, column.text(row));
			if (column.class)
				cell.className = column.class(row);
			if (column.hint)
				cell.title = column.hint(row);
		});
	}
}

function backendsText(b) {
	const parts = [];
	for (const state of ["enabled", "draining", "disabled", "up", "down", "unknown"])
		if (b[state] > 0)
			parts.push(`${b[state]} ${state}`);
	return parts.join(", ") || "none";
}

function backendsClass(b) {
	if (b.down > 0 || b.enabled === 0)
		return "bad";
	return b.draining + b.disabled + b.unknown > 0 ? "warn" : "good";
}

const rateColumns = [
	{ title: "packets/s", number: true, text: (s) => short(s.rate.packets), value: (s) => s.rate.packets },
	{ title: "bit/s", number: true, text: (s) => short(s.rate.bits), value: (s) => s.rate.bits },
];
const historyColumn = { title: "packets/s, a minute", chart: (s) => s.history.packets };

const services = new Table("services", "Services: choose one to see its backends", [
	{ title: "name", text: (s) => s.name, press: (s) => choose(s.name) },
	{ title: "address", text: (s) => `${s.vip.includes(":") ? `[${s.vip}]` : s.vip}:${s.port || "*"}/${s.protocol}` },
	{ title: "encap", text: (s) => s.encap },
	{ title: "scheduler", text: (s) => s.scheduler },
	{ title: "backends", text: (s) => backendsText(s.backends), class: (s) => backendsClass(s.backends) },
	...rateColumns,
	{ title: "drops/s", number: true, text: (s) => short(s.rate.dropped), value: (s) => s.rate.dropped,
	  class: (s) => s.rate.dropped > 0 ? "number bad" : "number" },
	historyColumn,
	{ title: "last change", text: (s) => s.transition === "none" ? "over" : s.transition },
], 0);

const backends = new Table("backends", "Backends of the service", [
	{ title: "name", text: (b) => b.name },
	{ title: "address", text: (b) => b.address },
	{ title: "state", text: (b) => b.admin + (b.drain === "none" ? "" : ` (drain ${b.drain})`),
	  class: (b) => b.admin === "enabled" ? "" : "warn" },
	{ title: "health", text: (b) => b.health === "none" ? "no check" : b.health + (b.reason ? `: ${b.reason}` : ""),
	  class: (b) => "long " + (({ up: "good", down: "bad", unknown: "warn" })[b.health] || "") },
	{ title: "next hop", text: (b) => b.resolved ? "found" : "not found", class: (b) => b.resolved ? "" : "bad" },
	{ title: "weight", number: true, text: (b) => b.weight_now === b.weight ? String(b.weight) : `${b.weight_now} of ${b.weight}`,
	  value: (b) => b.weight_now },
	{ title: "flows remembered", number: true, text: (b) => short(b.flows), value: (b) => b.flows },
	...rateColumns,
	historyColumn,
], 0);

// ---- an answer ----

const rates = new Rates();
let started = 0, chosen = "", paused = false, lastAnswer = null;

function showNode(node) {
	const row = rates.take("node", node.clock_us, { ...node.packets, ...Object.fromEntries(
		Object.entries(node.drops).map(([name, value]) => ["drop " + name, value])) });
	const list = [["forwarded", "Forwarded"], ["dropped", "Dropped"], ["to_kernel", "To the kernel"], ["answered", "Answered"]];

	setText($("node"), `${node.version}, ${node.path}; up ${ago((node.now_us - node.started_us) / 1e6)}; ` +
		`generation ${node.generation.number}, ${ago((node.now_us - node.generation.published_us) / 1e6)} old; ` +
		`services in transition: ${node.transitions}; backends: ${backendsText(node.backends)}`);
	for (const p of panels.values())
		p.seen = false;
	for (const [key, title] of list)
		panel(key, title, row.history[key], `${short(row.rate[key])} packets/s`);
	node.workers.forEach((worker, i) => {
		const w = rates.take(`worker ${i}`, node.clock_us, { packets: worker.packets });
		w.busy = [...(w.busy || []), worker.busy === null ? null : worker.busy * 100].slice(-POINTS);
		const speed = `${short(w.rate.packets)} packets/s`;
		if (worker.busy === null)
			panel(`worker ${i}`, `Worker ${i}`, w.history.packets, speed);
		else
			panel(`worker ${i}`, `Worker ${i}, core ${worker.core}`, w.busy, `${(worker.busy * 100).toFixed(0)} % busy, ${speed}`, 100);
	});
	for (const [key, p] of panels)
		if (!p.seen) {
			p.figure.remove();
			panels.delete(key);
		}
	const drops = Object.keys(node.drops).filter((name) => node.drops[name] > 0)
		.sort((a, b) => node.drops[b] - node.drops[a])
		.map((name) => `${name} ${short(node.drops[name])} (${short(row.rate["drop " + name])}/s)`);
	setText($("drops"), drops.length ? "Drops since the start: " + drops.join(", ") : "No packet was dropped since the start.");
	setText($("ports"), "Ports: " + node.ports.map((p) => `${p.interface} ${p.up ? "up" : "DOWN"}, ${short(p.missed)} missed`).join("; "));
}

function measured(prefix, rows, clockUs) {
	for (const row of rows) {
		row.key = row.name;
		const counters = { packets: row.packets, bits: row.bytes * 8 };
		if (row.dropped !== undefined)
			counters.dropped = row.dropped;
		Object.assign(row, (({ rate, history }) => ({ rate, history }))(rates.take(prefix + row.name, clockUs, counters)));
	}
	rates.sweep(prefix, clockUs);
	return rows;
}

function showServices(list, clockUs) {
	const rows = measured("service ", list.rows, clockUs);
	for (const row of rows)
		row.chosen = row.name === chosen;
	services.show(rows);
	let text = list.matching === list.total ? `${list.total} services` : `${list.matching} of ${list.total} services match`;
	if (list.matching > FETCHED)
		text += `; the first ${FETCHED} are shown: search for others`;
	setText($("services-count"), text);
}

function showBackends(answer, clockUs) {
	$("service").hidden = chosen === "";
	if (chosen === "")
		return;
	setText($("service-title"), answer.service ? `Service ${chosen}` : `Service ${chosen}: there is none of that name`);
	setText($("backends-count"), `${answer.backends.length} backends`);
	backends.show(measured(`backend ${chosen} `, answer.backends, clockUs));
}

function alarm(text, stale) {
	document.body.classList.toggle("stale", stale);
	$("alarm").hidden = text === "";
	setText($("alarm"), text);
}

function show(answer) {
	if (answer.node.started_us !== started)
		rates.rows.clear();
	started = answer.node.started_us;
	showNode(answer.node);
	showServices(answer.services, answer.node.clock_us);
	showBackends(answer, answer.node.clock_us);
	alarm(answer.node.not_ready === null ? "" : `Packets are not forwarded as they should be: ${answer.node.not_ready}`, false);
}

// ---- asking ----

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
			show(answer);
		}
	} catch (error) {
		if (mine === asking)
			alarm("sluiced does not answer" + (lastAnswer ? `; what is shown is of ${lastAnswer.toLocaleTimeString()}` : "") +
				(error.name === "AbortError" || error instanceof TypeError ? "." : `: ${error.message}`), true);
	}
	clearTimeout(patience);
	if (mine === asking)
		timer = setTimeout(ask, EVERY_MS);
}

function choose(name) {
	history.replaceState(null, "", name ? "#" + encodeURIComponent(name) : location.pathname);
	chosenChanged(name);
	ask().then(() => name && $("service-title").focus());
}

function chosenChanged(name) {
	if (chosen !== name)
		backends.first = 0;
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
	services.first = 0;
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
