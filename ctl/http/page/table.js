// SPDX-License-Identifier: Apache-2.0
// Tables that can be sorted and leafed through.

import { $, make, setText } from "./text.js";
import { Chart } from "./chart.js";

const ROWS = 50; // of a table at once; charts are drawn for these alone
const names = new Intl.Collator("en", { numeric: true });

// A table that can be sorted, of which ROWS are shown at a time. A column: title, text(row), and
// maybe number, value(row) to sort by, class(row), chart(row), press(row).
export class Table {
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
		const order = column.number ? (x ?? -1) - (y ?? -1) : names.compare(x, y);
		return (this.down ? -order : order) || names.compare(a.key, b.key);
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
