// How texts, numbers and values are shown.

const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}]/u;
const INVISIBLE_PARTS = /([\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}])/u;

function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/** Text of an event, in which nothing can hide or turn the direction of what follows. */
function shown(text) {
  const made = element("bdi");
  if (!INVISIBLE.test(text)) {
    made.textContent = text;
    return made;
  }
  for (const part of text.split(INVISIBLE_PARTS)) {
    if (!part) continue;
    const hidden = INVISIBLE.test(part) && part !== "\n";
    made.append(hidden ? element("span", "escape", `U+${hex(part)}`) : part);
  }
  return made;
}

const hex = (character) => character.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
const oneLine = (value) => (typeof value === "string" ? value : JSON.stringify(value));
const number = (count) => count.toLocaleString("en");
const many = (count, one, several) => `${number(count)} ${count === 1 ? one : several}`;

/** JSON that shows nothing unexpected where it is pasted: in a terminal, a control character acts. */
function json(value) {
  const escape = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  const safe = (character) => (INVISIBLE.test(character) ? character.split("").map(escape).join("") : character);
  return JSON.stringify(value, null, 2).replace(/[^\n\x20-\x7e]/gu, safe);
}
