// What can be said: an example of each command. A tap carries it out, or puts it into the field where it holds a number to be chosen.
import {empty, h, icon, screen} from "/panel/dom.js";
import {phrases} from "/panel/phrases.js";
import {text} from "/panel/text.js";

export function commandsScreen({run, fill}) {
  const search = h("input", {class: "field", type: "search", "aria-label": text.commands.search, placeholder: text.commands.search, autocomplete: "off"});
  const list = h("div", {class: "commands"}), element = screen(text.commands.title, {}, search, list);
  let all = [], shown = "";

  function row(phrase) {
    return h("li", {}, h("button", {type: "button", class: "phrase", "aria-label": (phrase.hasChoice ? text.commands.fill : text.commands.run)(phrase.text),
      onclick: () => (phrase.hasChoice ? fill : run)(phrase.text)},
    h("span", {}, phrase.text, h("small", {}, phrase.title)), icon(phrase.hasChoice ? "send" : "play")));
  }

  function show() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const fitting = all.filter(phrase => words.every(word => `${phrase.text} ${phrase.title}`.toLowerCase().includes(word)));
    const shape = JSON.stringify(fitting);
    if (shape === shown)
      return;
    shown = shape;
    list.replaceChildren(fitting.length > 0 ? h("ul", {}, fitting.map(row)) : empty("list", all.length === 0 ? text.commands.empty : text.commands.none));
  }

  search.addEventListener("input", show);
  return {
    element,
    async show() {
      all = await phrases(true).catch(() => all);
      show();
    },
  };
}
