// Looks through pages as a browser lays them out: names, labels, headings, contrast, sizes, width. `pages` is a list of
// { name, html }; what is wrong is written into the element #result, a line for each.
const wrong = [];
const numbers = (colour) => {
  const parts = colour.match(/[\d.]+/g).map(Number);
  return parts.length === 4 ? parts : [...parts, 1];
};
const over = (top, below) => top.slice(0, 3).map((part, at) => part * top[3] + below[at] * (1 - top[3]));
const luminance = (colour) => {
  const [r, g, b] = colour.map((part) => part / 255).map((part) => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const contrast = (one, other) => {
  const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
};
const background = (element) => {
  const layers = [];
  for (let own = element; own; own = own.parentElement) layers.push(numbers(getComputedStyle(own).backgroundColor));
  return layers.reverse().reduce((below, layer) => over(layer, below), dark ? [18, 18, 18] : [255, 255, 255]);
};
const shown = (element) => element.checkVisibility && element.checkVisibility();
const text = (element) => element.textContent.trim().replace(/\s+/g, " ");

function look(name, width, page) {
  const say = (what) => wrong.push(`${name} at ${width}: ${what}`);
  const all = (selector) => [...page.querySelectorAll(selector)];
  if (!page.documentElement.lang) say("no language");
  if (!page.title.trim()) say("no title");
  if (all("h1").length !== 1) say(`${all("h1").length} first headings`);
  if (all("main").length !== 1) say("no main part");
  let level = 0;
  for (const heading of all("h1,h2,h3,h4").filter(shown)) {
    const own = Number(heading.tagName[1]);
    if (own > level + 1) say(`heading "${text(heading)}" skips a level`);
    level = own;
  }
  const ids = all("[id]").map((element) => element.id);
  if (new Set(ids).size !== ids.length) say("an id stands there twice");
  for (const reference of all("[aria-labelledby]")) {
    if (!page.getElementById(reference.getAttribute("aria-labelledby"))) say("a label that is not there");
  }
  for (const element of all("[tabindex]")) if (element.tabIndex > 0) say("the order of focus is not that of the page");
  for (const field of all("input:not([type=hidden]),select,textarea")) {
    const named = field.labels.length && text(field.labels[0]) || field.getAttribute("aria-label");
    if (!named) say(`the field ${field.name} has no label`);
    const target = field.type === "checkbox" ? field.labels[0] ?? field : field;
    if (target.getBoundingClientRect().height < (field.type === "checkbox" ? 24 : 44)) say(`the field ${field.name} is small`);
    const line = numbers(getComputedStyle(field).borderTopColor);
    if (field.type !== "checkbox" && contrast(over(line, background(field.parentElement)), background(field.parentElement)) < 3) {
      say(`the edge of ${field.name} cannot be seen`);
    }
  }
  for (const group of all("fieldset")) if (!text(group.querySelector("legend") ?? group.ownerDocument.createElement("i"))) say("a group has no legend");
  for (const button of all("button,summary").filter(shown)) {
    if (!text(button) && !button.getAttribute("aria-label")) say("a button has no name");
    if (button.getBoundingClientRect().height < 44) say(`the button "${text(button)}" is small`);
  }
  for (const element of all("body *").filter(shown)) {
    const own = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!own || ["SCRIPT", "STYLE"].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const below = background(element);
    const large = parseFloat(style.fontSize) >= 24 || parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700;
    const ratio = contrast(over(numbers(style.color), below), below);
    if (ratio < (large ? 3 : 4.5)) say(`"${text(element).slice(0, 40)}" has a contrast of ${ratio.toFixed(2)}`);
  }
  if (page.documentElement.scrollWidth > width) say(`it is ${page.documentElement.scrollWidth} wide`);
}

const dark = matchMedia("(prefers-color-scheme: dark)").matches;
(async () => {
  let count = 0;
  for (const { name, html } of pages) {
    for (const width of [320, 900]) {
      const frame = document.createElement("iframe");
      frame.style.cssText = `width:${width}px;height:700px;border:0`;
      frame.srcdoc = html;
      const loaded = new Promise((done) => frame.addEventListener("load", done));
      document.body.append(frame);
      await loaded;
      if (frame.contentWindow.matchMedia("(prefers-color-scheme: dark)").matches !== dark) wrong.push(`${name}: another scheme`);
      look(name, width, frame.contentDocument);
      frame.remove();
      count += 1;
    }
  }
  document.getElementById("result").textContent = `looked at ${count}, ${dark ? "dark" : "light"}\n${wrong.join("\n")}`;
})();
