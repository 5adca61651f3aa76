// SPDX-License-Identifier: Apache-2.0
// Rates of counters, each from two answers, and what they were in the latest minute.

export const HISTORY_US = 60e6;
const SOON_US = 5e5;

// A history is a list of [when, value], of which the last is now; null: not known.
function note(history, clockUs, value) {
	history.push([clockUs, value]);
	while (history[0][0] < clockUs - HISTORY_US)
		history.shift();
}

// Of counters that belong together, by key: a row has `rate` and `history`, by the counters' names.
export class Rates {
	constructor() {
		this.rows = new Map();
	}
	row(key) {
		let row = this.rows.get(key);
		if (!row)
			this.rows.set(key, row = { history: {}, rate: {}, counters: {} });
		return row;
	}
	// A counter that went back was begun anew, and has no rate until the next answer. An answer that
	// was asked for out of turn, for somebody pressed something, is too soon for rates.
	take(key, clockUs, counters) {
		const row = this.row(key);
		row.seenUs = clockUs;
		if (clockUs - row.clockUs < SOON_US)
			return row;
		const seconds = (clockUs - row.clockUs) / 1e6;
		for (const [name, value] of Object.entries(counters)) {
			const known = seconds > 0 && row.counters[name] !== undefined && value >= row.counters[name];
			row.rate[name] = known ? (value - row.counters[name]) / seconds : null;
			note(row.history[name] ||= [], clockUs, row.rate[name]);
		}
		row.clockUs = clockUs;
		row.counters = counters;
		return row;
	}
	// A value that is no counter: for its history alone.
	note(key, clockUs, name, value) {
		const row = this.row(key);
		note(row.history[name] ||= [], clockUs, value);
		return row;
	}
	// Forgets those that didn't come with the answer of this time.
	sweep(prefix, clockUs) {
		for (const [key, row] of this.rows)
			if (key.startsWith(prefix) && row.seenUs !== clockUs)
				this.rows.delete(key);
	}
}
