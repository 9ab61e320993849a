// Shows a phone the way in: a code that works once, as a picture to be scanned.
import * as api from "/panel/api.js";
import * as assistant from "/panel/assistant.js";
import {button, duration, h, icon, notify, setText} from "/panel/dom.js";
import {text} from "/panel/text.js";

const t = text.settings, SVG = "http://www.w3.org/2000/svg";
const KEPT = {svg: ["viewBox", "shape-rendering"], g: ["fill", "transform"], path: ["d", "fill", "stroke", "transform"], rect: ["x", "y", "width", "height", "fill"]};

// Only shapes are taken over from a picture that came from outside.
export function safePicture(source) {
  const root = new DOMParser().parseFromString(source, "image/svg+xml").documentElement;
  function copy(node) {
    if (node.namespaceURI !== SVG || !(node.localName in KEPT))
      return null;
    const element = document.createElementNS(SVG, node.localName);
    for (const name of KEPT[node.localName])
      if (node.hasAttribute(name))
        element.setAttribute(name, node.getAttribute(name));
    element.append(...[...node.children].map(copy).filter(Boolean));
    return element;
  }
  const picture = copy(root);
  if (picture !== null && !picture.hasAttribute("viewBox") && root.hasAttribute("width"))
    picture.setAttribute("viewBox", `0 0 ${parseFloat(root.getAttribute("width"))} ${parseFloat(root.getAttribute("height"))}`);
  return picture;
}

const fingerprint = digits => digits.replace(/[^0-9a-f]/gi, "").toUpperCase().match(/.{1,2}/g)?.join(" ") ?? "";

export function pairCard() {
  const hint = h("p", {class: "muted"}, t.pairHint), stage = h("div", {class: "pairing"}), show = button(t.show, {icon: "phone", kind: "main", onclick: begin});
  const element = h("section", {class: "card"}, h("h2", {}, icon("phone"), t.pair), hint, stage, show);
  let timer = 0;

  async function begin() {
    show.disabled = true;
    try {
      const pairing = await api.post("/pairing"), picture = pairing.qr_svg ? safePicture(pairing.qr_svg) : null;
      if (pairing.link && !/^https?:\/\//.test(pairing.link))
        throw new Error(text.talk.failed);
      const left = h("p", {class: "muted", role: "timer"}), endsAt = performance.now() + (Number(pairing.seconds) || 300) * 1000;
      picture?.setAttribute("role", "img");
      picture?.setAttribute("aria-label", t.pairing);
      stage.replaceChildren(pairing.hint ? h("p", {class: "note", role: "alert"}, pairing.hint) : "", h("p", {}, t.pairing), picture ? h("div", {class: "qr"}, picture) : "", left,
        pairing.ca_sha256 ? h("p", {class: "small"}, t.fingerprint, h("br"), h("code", {class: "print"}, fingerprint(pairing.ca_sha256))) : "",
        pairing.link ? h("p", {class: "small"}, h("a", {class: "link", href: pairing.link, target: "_blank", rel: "noopener noreferrer"}, pairing.link)) : "");
      clearInterval(timer);
      timer = setInterval(tick, 1000);
      tick();
      function tick() {
        const rest = (endsAt - performance.now()) / 1000;
        setText(left, rest > 0 ? t.expires(duration(rest)) : t.expired);
        if (rest <= 0)
          hide();
      }
      hint.hidden = true;
      setText(show.lastChild, t.again);
    } catch (error) {
      notify(error.message);
    }
    show.disabled = false;
  }

  function hide() {
    clearInterval(timer);
    stage.replaceChildren();
    hint.hidden = false;
    setText(show.lastChild, t.show);
  }

  return {
    element,
    async show() {
      element.hidden = !await assistant.has("POST /pairing");
    },
    hide,
  };
}
