// SPDX-License-Identifier: Apache-2.0
// Charts of the latest minute, and panels of them.

import { make, setText, short } from "./text.js";
import { HISTORY_US } from "./rates.js";

const SVG = "http://www.w3.org/2000/svg";

export class Chart {
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
	// A history, as rates.js has it. `most`: the top of the scale; without it, the highest value.
	draw(history, label, most) {
		this.peak = history.reduce((highest, [, value]) => Math.max(highest, value), 0);
		const top = most || Math.max(1, this.peak);
		const now = history[history.length - 1][0];
		const points = history.filter(([, value]) => value !== null).map(([when, value]) =>
			`${(60 - 60 * (now - when) / HISTORY_US).toFixed(2)} ${(19.5 - 19 * Math.min(1, value / top)).toFixed(2)}`);
		const line = points.length > 1 ? "M" + points.join("L") : "";
		this.curve.setAttribute("d", line);
		this.area.setAttribute("d", line && `${line}L60 20L${points[0].split(" ")[0]} 20Z`);
		this.svg.setAttribute("aria-label", label);
	}
}

// Charts with a title and a value, in `place`, in the order in which they came.
export class Panels {
	constructor(place) {
		this.place = place;
		this.panels = new Map();
	}
	add(key, title) {
		const p = { figure: make("figure"), value: make("span", "value"), chart: new Chart() };
		const caption = make("figcaption");
		caption.append(make("span", "label", title), p.value);
		p.peak = make("p", "peak");
		p.figure.append(caption, p.peak, p.chart.svg);
		p.figure.dataset.key = key;
		this.place.append(p.figure);
		this.panels.set(key, p);
		return p;
	}
	draw(key, title, history, text, most) {
		const p = this.panels.get(key) || this.add(key, title);
		p.seen = true;
		setText(p.value, text);
		p.chart.draw(history, `${title}: ${text}; the latest minute`, most);
		setText(p.peak, most || !p.chart.peak ? "" : `peak ${short(p.chart.peak)}`);
	}
	// Removes those that were not drawn since the last time.
	sweep() {
		for (const [key, p] of this.panels) {
			if (!p.seen) {
				p.figure.remove();
				this.panels.delete(key);
			}
			p.seen = false;
		}
	}
}
