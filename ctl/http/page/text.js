// SPDX-License-Identifier: Apache-2.0
// Elements and their texts, and numbers as people read them.

export const $ = (id) => document.getElementById(id);

// All text comes in as text nodes, never as HTML.
export function make(tag, className, text) {
	const element = document.createElement(tag);
	if (className)
		element.className = className;
	if (text !== undefined)
		element.textContent = text;
	return element;
}

export function setText(element, text) {
	if (element.textContent !== text)
		element.textContent = text;
}

export function short(number) {
	if (number === null || number === undefined)
		return "–";
	for (const [size, unit] of [[1e12, " T"], [1e9, " G"], [1e6, " M"], [1e4, " k"]])
		if (number >= size)
			return (number / (size === 1e4 ? 1e3 : size)).toFixed(1) + unit;
	return number >= 100 || Number.isInteger(number) ? number.toFixed(0) : number.toFixed(1);
}

export function ago(seconds) {
	for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]])
		if (seconds >= 2 * size)
			return Math.floor(seconds / size) + " " + unit;
	return Math.max(0, Math.floor(seconds)) + " s";
}
