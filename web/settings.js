// The look of this panel, pairing, access, and the options of the assistant.
import * as api from "/panel/api.js";
import * as assistant from "/panel/assistant.js";
import * as microphone from "/panel/microphone.js";
import * as saved from "/panel/saved.js";
import {button, choices, h, icon, notify, screen} from "/panel/dom.js";
import {pairCard} from "/panel/pair_card.js";
import {text} from "/panel/text.js";

const t = text.settings;

const isNumber = option => option.type === "int" || option.type === "number";

function optionInput(option) {
  const common = {class: "field", "aria-label": option.name, name: option.name, disabled: !option.changeable};
  if (option.type === "choice")
    return h("select", common, option.choices.map(choice => h("option", {value: choice, selected: choice === option.value}, choice)));
  if (isNumber(option))
    return h("input", {...common, type: "number", required: true, min: option.min, max: option.max, step: option.type === "int" ? 1 : "any", value: option.value, inputmode: option.type === "int" ? "numeric" : "decimal"});
  return h("input", {...common, type: "text", value: option.value, autocomplete: "off", spellcheck: "false"});
}

function optionSwitch(option, save) {
  return h("button", {type: "button", class: "switch", role: "switch", "aria-checked": String(option.value), "aria-label": option.name, disabled: !option.changeable,
    onclick: () => save(!option.value)}, h("span", {class: "track"}, h("span", {class: "thumb"})));
}

// The notes say what becomes of a change: that there can be none here, that it waits for a restart, that the command line says otherwise.
function notes(option) {
  const all = [];
  if (!option.changeable)
    all.push(t.fixed);
  else if (option.source === "command line")
    all.push(t.overridden);
  if (option.restart_pending)
    all.push(t.pending);
  else if (option.changeable && !option.reload)
    all.push(t.restart);
  return all.join(" ");
}

// A change is written at once; the row then shows what the assistant has made of it.
function optionRow(first) {
  const element = h("li", {class: "row option"});

  async function save(value, option) {
    try {
      const {at_restart: later, overridden} = await api.patch("/settings", {[option.name]: value});
      notify(overridden.length > 0 ? t.overridden : later.length > 0 ? t.savedForLater : t.saved);
      show((await api.get("/settings")).settings.find(each => each.name === option.name));
    } catch (error) {
      notify(error.message);
      show(option);
    }
  }

  function show(option) {
    const hadFocus = element.contains(document.activeElement), note = notes(option);
    const control = option.type === "bool" ? optionSwitch(option, value => save(value, option)) : optionInput(option);
    if (option.type !== "bool")
      control.addEventListener("change", () => control.checkValidity() ? save(isNumber(option) ? Number(control.value) : control.value, option) : control.reportValidity());
    const isOwn = option.changeable && option.source === "settings";
    element.replaceChildren(
      h("div", {class: "grow"}, h("div", {}, option.name), h("div", {class: "muted small"}, option.doc), note ? h("div", {class: "small note-line"}, note) : null, option.type === "bool" ? null : control),
      ...(option.type === "bool" ? [control] : []),
      ...(isOwn ? [button(t.takeBack(option.name), {icon: "undo", hidden: true, kind: "plain", onclick: () => save(null, option)})] : []));
    if (hadFocus)
      control.focus({preventScroll: true});
  }
  show(first);
  return element;
}

// The rows of a section are made when it is opened: there are more options than anybody looks at.
function optionSection({name, doc}, members, isOpen) {
  const list = h("ul", {}), element = h("details", {"data-section": name, open: isOpen}, h("summary", {}, name), h("p", {class: "muted small"}, doc), list);
  const fill = () => element.open && !list.firstChild && list.append(...members.map(optionRow));
  element.addEventListener("toggle", fill);
  fill();
  return element;
}

export function settingsScreen({signOut}) {
  const sizes = choices(t.size, "size", t.sizes, saved.get("textSize"), value => saved.set("textSize", value));
  const themes = choices(t.theme, "theme", t.themes, saved.get("theme"), value => saved.set("theme", value));
  const microphones = choices(t.microphone, "microphone", t.microphones, saved.get("microphone"), value => saved.set("microphone", value));
  const options = h("section", {class: "card", hidden: true}), access = h("section", {class: "card", hidden: true}), pairing = pairCard();
  if (!microphone.isAvailable())
    microphones.hidden = true;
  const element = screen(t.title, {}, h("section", {class: "card settings"}, h("h2", {}, icon("settings"), t.panel), themes, sizes, microphones), pairing.element, access, options);

  async function loadOptions() {
    if (!await assistant.has("GET /settings"))
      return;
    try {
      const {sections, settings} = await api.get("/settings"), opened = new Set([...options.querySelectorAll("details[open]")].map(each => each.dataset.section));
      options.replaceChildren(h("h2", {}, icon("list"), t.advanced), ...sections.map(section =>
        optionSection(section, settings.filter(each => each.section === section.name && !each.secret), opened.has(section.name))));
      options.hidden = false;
    } catch {
      options.hidden = true;
    }
  }

  return {
    element,
    show() {
      access.hidden = saved.token() === null;
      access.replaceChildren(h("h2", {}, icon("shield"), t.access), button(t.signOut, {onclick: signOut}));
      pairing.show();
      return loadOptions();
    },
    hide: () => pairing.hide(),
  };
}
