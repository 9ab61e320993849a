// Elements from data. Texts go in as text nodes only, so nothing from outside is ever read as HTML.
const SVG = "http://www.w3.org/2000/svg";

export function h(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false)
      continue;
    if (key.startsWith("on"))
      element.addEventListener(key.slice(2), value);
    else
      element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter(child => child !== null && child !== undefined && child !== false));
  return element;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg"), use = document.createElementNS(SVG, "use");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

export function setIcon(parent, name) {
  parent.querySelector("use").setAttribute("href", `#i-${name}`);
}

// Writes only what differs: nothing is laid out anew for a value that stays.
export function setText(element, value) {
  if (element.textContent !== value)
    element.textContent = value;
}

export function button(label, options, ...more) {
  const {kind = "", icon: name, hidden: isIconOnly, ...attributes} = options;
  return h("button", {type: "button", class: `button ${kind}`, "aria-label": isIconOnly ? label : null, title: isIconOnly ? label : null, ...attributes},
    name ? icon(name) : null, isIconOnly ? null : label, ...more);
}

export function choices(label, name, values, chosen, onchange) {
  return h("fieldset", {class: "plain-set"}, h("legend", {}, label),
    h("div", {class: "choices"}, Object.entries(values).map(([value, title]) =>
      h("label", {}, h("input", {type: "radio", name, value, checked: value === chosen, onchange: () => onchange(value)}), h("span", {}, title)))));
}

export function screen(title, {actions = [], kind = ""} = {}, ...children) {
  return h("section", {class: `screen ${kind}`, tabindex: 0, "aria-label": title},
    h("header", {}, h("h1", {tabindex: -1}, title), ...actions), ...children);
}

export function empty(name, message, ...more) {
  return h("div", {class: "empty"}, icon(name), h("p", {}, message), ...more);
}

let toast, toastTimer;
export function notify(message) {
  if (!toast) {
    toast = h("div", {class: "toast", role: "status"});
    document.body.append(toast);
  }
  toast.textContent = message;
  toast.classList.add("shown");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => toast.classList.remove("shown"), 4000);
}

// Resolves with whether it was confirmed. Escape is no.
export function ask(question, yes, no) {
  return new Promise(resolve => {
    const dialog = h("dialog", {"aria-label": question}, h("p", {}, question),
      h("div", {class: "actions"}, button(yes, {kind: "bad", onclick: () => dialog.close("yes")}), button(no, {onclick: () => dialog.close("")})));
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    document.body.append(dialog);
    dialog.showModal();
    dialog.querySelectorAll("button")[1].focus();
  });
}

export function download(name, blob) {
  const link = h("a", {href: URL.createObjectURL(blob), download: name});
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

export function duration(seconds) {
  const s = Math.max(0, Math.ceil(seconds)), two = n => String(n).padStart(2, "0"), hours = Math.floor(s / 3600), days = Math.floor(hours / 24);
  if (days > 0)
    return `${days} d ${hours % 24} h`;
  return hours > 0 ? `${hours}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
}
