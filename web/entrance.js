// The two pages before the panel: a phone that was paired, and signing in with a token.
import * as api from "/panel/api.js";
import * as saved from "/panel/saved.js";
import {h, icon, notify} from "/panel/dom.js";
import {text} from "/panel/text.js";

function page(title, ...children) {
  return h("main", {class: "alone", "aria-label": title}, h("div", {},
    h("img", {class: "mark", src: "/panel/icon.svg", alt: "", width: 72, height: 72}), h("h1", {tabindex: -1}, title), ...children));
}

// The code stands behind the "#": it is never sent as part of an address, and is taken out of it at once.
function takeCode() {
  const fragment = location.hash.slice(1), code = new URLSearchParams(fragment).get("code") ?? fragment;
  history.replaceState(null, "", location.pathname);
  return code;
}

function deviceName() {
  const platform = navigator.userAgentData?.platform || (/iPhone|iPad|Android|Mac|Windows|Linux/.exec(navigator.userAgent) || [])[0];
  return (platform || text.pair.defaultName).toLowerCase().replace(/[^a-z0-9-]/g, "-");
}

// Apple's devices take it as a profile. A link, so that the system and not this page opens the file.
const certificateLink = () => `/api/v1/ca${/iPhone|iPad|Macintosh/.test(navigator.userAgent) ? "?format=mobileconfig" : ""}`;

export function pairPage() {
  const code = takeCode(), t = text.pair, problem = h("p", {class: "note bad", role: "alert", hidden: true});
  const name = h("input", {class: "field", id: "device-name", value: deviceName(), maxlength: 40, autocomplete: "off", required: true});
  const connect = h("button", {type: "submit", class: "button main"}, t.go);
  const fail = message => {
    problem.textContent = message;
    problem.hidden = false;
  };
  const form = h("form", {class: "card form"}, h("label", {for: "device-name"}, t.name), name, h("p", {class: "muted small"}, t.nameHint), connect);
  form.addEventListener("submit", async event => {
    event.preventDefault();
    connect.disabled = true;
    problem.hidden = true;
    try {
      const {token} = await api.post("/pairing/claim", {code, name: name.value.trim()});
      saved.setToken(token);
      notify(t.done);
      location.replace("/panel/");
    } catch (error) {
      fail(error.status === 429 && error.retryAfter ? text.signIn.wait(error.retryAfter) : error.message);
      connect.disabled = false;
    }
  });
  if (code === "") {
    connect.disabled = true;
    fail(t.noCode);
  }
  const certificate = h("section", {class: "card form"}, h("h2", {}, t.certificate), h("p", {class: "muted"}, t.certificateHint), h("p", {class: "muted"}, t.compare),
    h("a", {class: "button", href: certificateLink()}, icon("download"), t.get));
  return page(t.title, problem, location.protocol === "https:" ? certificate : null, form);
}

export function signInPage(done) {
  const t = text.signIn, problem = h("p", {class: "note bad", role: "alert", hidden: true});
  const input = h("input", {class: "field", id: "token", type: "password", autocomplete: "current-password", spellcheck: "false", required: true});
  const form = h("form", {class: "card form"}, h("p", {class: "muted"}, t.hint), h("label", {for: "token"}, t.token), input, problem, h("button", {type: "submit", class: "button main"}, t.go));
  form.addEventListener("submit", async event => {
    event.preventDefault();
    saved.setToken(input.value.trim());
    try {
      await api.get("/status");
      done();
    } catch (error) {
      saved.setToken(null);
      problem.textContent = error.status === 401 ? t.wrong : error.status === 429 ? t.wait(error.retryAfter) : error.message;
      problem.hidden = false;
    }
  });
  return page(t.title, form);
}
