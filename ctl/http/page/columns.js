// SPDX-License-Identifier: Apache-2.0
// What the tables tell of a service and of a backend.

import { short } from "./text.js";

export function backendsText(b) {
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

// `choose`: called with the name of the service that is pressed.
export const serviceColumns = (choose) => [
	{ title: "name", text: (s) => s.name, press: (s) => choose(s.name) },
	{ title: "address", text: (s) => `${s.vip.includes(":") ? `[${s.vip}]` : s.vip}:${s.port || "*"}/${s.protocol}` },
	{ title: "encap", text: (s) => s.encap },
	{ title: "scheduler", text: (s) => s.scheduler },
	{ title: "backends", text: (s) => backendsText(s.backends), class: (s) => backendsClass(s.backends) },
	...rateColumns,
	{ title: "drops/s", number: true, text: (s) => short(s.rate.dropped), value: (s) => s.rate.dropped,
	  class: (s) => s.rate.dropped > 0 ? "number bad" : "number" },
	historyColumn,
	{ title: "transition", text: (s) => s.transition, class: (s) => s.transition === "none" ? "" : "warn" },
];

export const backendColumns = [
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
];
