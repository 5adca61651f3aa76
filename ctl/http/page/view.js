// SPDX-License-Identifier: Apache-2.0
// All that the page shows of an answer of /api/status.

import { $, ago, setText, short } from "./text.js";
import { Rates } from "./rates.js";
import { Panels } from "./chart.js";
import { Table } from "./table.js";
import { backendColumns, backendsText, serviceColumns } from "./columns.js";

const ACTIONS = [["forwarded", "Forwarded"], ["dropped", "Dropped"], ["to_kernel", "To the kernel"], ["answered", "Answered"]];

function dropsText(drops, rate) {
	const names = Object.keys(drops).filter((name) => drops[name] > 0).sort((a, b) => drops[b] - drops[a]);
	if (!names.length)
		return "No packet was dropped since the start.";
	return "Drops since the start: " +
		names.map((name) => `${name} ${short(drops[name])} (${short(rate["drop " + name])}/s)`).join(", ");
}

function nodeText(node) {
	return `${node.version}, ${node.path}; up ${ago((node.now_us - node.started_us) / 1e6)}; ` +
		`generation ${node.generation.number}, ${ago((node.now_us - node.generation.published_us) / 1e6)} old; ` +
		`services in transition: ${node.transitions}; backends: ${backendsText(node.backends)}`;
}

export class View {
	// `choose`: called with the name of a service that is pressed. `fetched`: services in an answer, at most.
	constructor(choose, fetched) {
		this.fetched = fetched;
		this.rates = new Rates();
		this.started = 0;
		this.panels = new Panels($("charts"));
		this.services = new Table("services", "Services: choose one to see its backends", serviceColumns(choose), 0);
		this.backends = new Table("backends", "Backends of the service", backendColumns, 0);
	}
	// `chosen`: the name of the service whose backends are shown, or "".
	show(answer, chosen) {
		const { node } = answer;
		if (node.started_us !== this.started)
			this.rates.rows.clear();
		this.started = node.started_us;
		this.showNode(node);
		this.showServices(answer.services, node.clock_us, chosen);
		this.showBackends(answer, node.clock_us, chosen);
		this.alarm(node.not_ready === null ? "" : `Packets are not forwarded as they should be: ${node.not_ready}`, false);
	}
	// `stale`: what is shown is of another time.
	alarm(text, stale) {
		document.body.classList.toggle("stale", stale);
		$("alarm").hidden = text === "";
		setText($("alarm"), text);
	}
	showNode(node) {
		const drops = Object.fromEntries(Object.entries(node.drops).map(([name, value]) => ["drop " + name, value]));
		const row = this.rates.take("node", node.clock_us, { ...node.packets, ...drops });

		setText($("name"), node.name);
		document.title = `${node.name} – Sluice`;
		setText($("node"), nodeText(node));
		for (const [key, title] of ACTIONS)
			this.panels.draw(key, title, row.history[key], `${short(row.rate[key])} packets/s`);
		node.workers.forEach((worker, i) => this.showWorker(worker, `worker ${i}`, `Worker ${i}`, node.clock_us));
		this.panels.sweep();
		setText($("drops"), dropsText(node.drops, row.rate));
		setText($("ports"), "Ports: " + node.ports.map((p) => `${p.interface} ${p.state === "up" ? "up" : p.state.toUpperCase()}, ${short(p.missed)} missed`).join("; "));
	}
	showWorker(worker, key, title, clockUs) {
		const row = this.rates.take(key, clockUs, { packets: worker.packets });
		const speed = `${short(row.rate.packets)} packets/s`;

		if (worker.busy === null) {
			this.panels.draw(key, title, row.history.packets, speed);
			return;
		}
		this.rates.note(key, clockUs, "busy", worker.busy * 100);
		this.panels.draw(key, `${title}, core ${worker.core}`, row.history.busy, `${(worker.busy * 100).toFixed(0)} % busy, ${speed}`, 100);
	}
	// Gives each row its key, rates and history.
	measured(prefix, rows, clockUs) {
		for (const row of rows) {
			const counters = { packets: row.packets, bits: row.bytes * 8 };
			if (row.dropped !== undefined)
				counters.dropped = row.dropped;
			const { rate, history } = this.rates.take(prefix + row.name, clockUs, counters);
			Object.assign(row, { key: row.name, rate, history });
		}
		this.rates.sweep(prefix, clockUs);
		return rows;
	}
	showServices(list, clockUs, chosen) {
		const rows = this.measured("service ", list.rows, clockUs);
		for (const row of rows)
			row.chosen = row.name === chosen;
		this.services.show(rows);
		let text = list.matching === list.total ? `${list.total} services` : `${list.matching} of ${list.total} services match`;
		if (list.matching > this.fetched)
			text += `; the first ${this.fetched} are shown: search for others`;
		setText($("services-count"), text);
	}
	showBackends(answer, clockUs, chosen) {
		$("service").hidden = chosen === "";
		if (chosen === "")
			return;
		setText($("service-title"), answer.service ? `Service ${chosen}` : `Service ${chosen}: there is none of that name`);
		setText($("backends-count"), `${answer.backends.length} backends`);
		this.backends.show(this.measured(`backend ${chosen} `, answer.backends, clockUs));
	}
}
