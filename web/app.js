// The panel: frame, screens, and which of them is shown.
import * as api from "/panel/api.js";
import * as assistant from "/panel/assistant.js";
import * as saved from "/panel/saved.js";
import {h, icon, notify, setText} from "/panel/dom.js";
import {commandsScreen} from "/panel/commands.js";
import {pairPage, signInPage} from "/panel/entrance.js";
import {historyScreen} from "/panel/history.js";
import {settingsScreen} from "/panel/settings.js";
import {systemScreen} from "/panel/system.js";
import {talkScreen} from "/panel/talk.js";
import {text} from "/panel/text.js";
import {timersScreen} from "/panel/timers.js";

const ICONS = {talk: "mic", commands: "list", timers: "timer", history: "history", system: "system", settings: "settings"};
const app = document.getElementById("app");

const stateText = h("span", {}), state = h("div", {class: "state", role: "status", "aria-label": text.state.label}, h("i", {class: "dot"}), stateText);
const privacy = h("button", {type: "button", class: "switch", role: "switch", "aria-checked": "false", "aria-label": text.privacy.label, onclick: togglePrivacy},
  icon("shield"), h("span", {}, text.privacy.short), h("span", {class: "track"}, h("span", {class: "thumb"})));
const main = h("main", {id: "main", tabindex: -1});
const links = Object.fromEntries(Object.keys(ICONS).map(name =>
  [name, h("a", {href: `#/${name}`, onclick: event => go(event, name)}, h("span", {class: "pill"}, icon(ICONS[name])), text.nav[name])]));
const nav = h("nav", {class: "nav", "aria-label": text.nav.label}, h("ul", {}, Object.values(links).map(link => h("li", {}, link))));
const announce = h("div", {class: "unseen", role: "alert"});

let screens = {}, current = null;

const makers = {
  talk: talkScreen,
  commands: () => commandsScreen({run: sentence => inTalk(talk => talk.run(sentence)), fill: sentence => inTalk(talk => talk.fill(sentence))}),
  timers: timersScreen,
  history: historyScreen,
  system: systemScreen,
  settings: () => settingsScreen({signOut() {
    saved.setToken(null);
    showSignIn();
  }}),
};

function inTalk(call) {
  location.hash = "#/talk";
  show("talk");
  call(screens.talk);
}

// Screens are kept, so that going to one is only a matter of showing it.
function make(name) {
  if (!screens[name]) {
    screens[name] = makers[name]();
    screens[name].element.hidden = true;
    main.append(screens[name].element);
  }
  return screens[name];
}

// Made one by one while nothing else is to be done, before somebody goes there.
function makeAhead() {
  const next = Object.keys(makers).find(name => !(name in screens));
  if (next === undefined || !app.contains(main))
    return;
  make(next);
  whenIdle(makeAhead);
}

const afterPaint = call => requestAnimationFrame(() => setTimeout(call));
const whenIdle = call => "requestIdleCallback" in window ? requestIdleCallback(call, {timeout: 2000}) : setTimeout(call, 200);

function show(name) {
  if (!(name in makers) || assistant.now.features[name] === false)
    name = "talk";
  if (name === current)
    return;
  const isFirst = current === null;
  if (!isFirst) {
    screens[current].hide?.();
    screens[current].element.hidden = true;
    links[current].removeAttribute("aria-current");
  }
  current = name;
  make(name).element.hidden = false;
  links[name].setAttribute("aria-current", "page");
  document.title = `${text.nav[name]} – ${text.appName}`;
  // What needs a layout or the assistant comes after the paint.
  afterPaint(() => {
    if (current !== name)
      return;
    if (!isFirst && !screens[name].element.contains(document.activeElement))
      (screens[name].focus?.() ?? screens[name].element.querySelector("h1")).focus({preventScroll: true});
    screens[name].show?.();
  });
}

// The screen changes in the frame of the tap; the address follows when that is painted.
function go(event, name) {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey)
    return;
  event.preventDefault();
  show(name);
  afterPaint(() => current === name && location.hash !== `#/${name}` && (location.hash = `#/${name}`));
}

const route = () => show(location.hash.replace(/^#\//, "") || "talk");

function showState() {
  const {state: name, isPrivate, isConnected} = assistant.now;
  const kind = !isConnected ? (name === "connecting" ? "busy" : "lost") : isPrivate ? "private" : name === "idle" || name === "off" ? "ready" : "busy";
  setText(stateText, !isConnected ? (name === "connecting" ? text.state.connecting : text.state.lost) : isPrivate ? text.state.privacy : text.state[name] ?? name);
  state.dataset.kind = kind;
  privacy.setAttribute("aria-checked", String(isPrivate));
  document.documentElement.dataset.private = isPrivate ? "on" : "off";
}

async function togglePrivacy() {
  if (privacy.getAttribute("aria-busy") === "true")
    return;
  privacy.setAttribute("aria-busy", "true");
  try {
    await assistant.switchPrivacy(privacy.getAttribute("aria-checked") !== "true");
  } catch (error) {
    notify(text.privacy.failed(error.message));
  }
  privacy.removeAttribute("aria-busy");
}

// Until the features are known the navigation is not shown: nothing moves away under a finger.
function showFeatures() {
  nav.dataset.ready = "";
  for (const [name, is] of Object.entries(assistant.now.features)) {
    links[name].parentElement.hidden = !is;
    if (!is && current === name)
      location.hash = "#/talk";
  }
}

function showSignIn() {
  assistant.stop();
  if (app.querySelector(".alone"))
    return;
  document.title = `${text.signIn.title} – ${text.appName}`;
  app.replaceChildren(signInPage(showPanel));
  app.querySelector("input").focus();
}

function showPanel() {
  for (const name of Object.keys(screens))
    screens[name].hide?.();
  main.replaceChildren();
  screens = {};
  for (const link of Object.values(links))
    link.removeAttribute("aria-current");
  current = null;
  app.replaceChildren(h("header", {class: "bar"}, state, privacy), main, nav, announce);
  showState();
  route();
  assistant.start();
  whenIdle(makeAhead);
}

saved.apply();
document.querySelector(".skip").textContent = text.skip;
if (location.pathname === "/pair") {
  document.title = `${text.pair.title} – ${text.appName}`;
  app.replaceChildren(pairPage());
} else {
  api.whenSignInIsNeeded(showSignIn);
  assistant.on("changed", showState);
  assistant.on("features", showFeatures);
  assistant.on("private", isPrivate => {
    saved.apply();
    announce.textContent = isPrivate ? text.privacy.isOn : text.privacy.isOff;
  });
  assistant.on("event:timer", ({change, text: message}) => change === "ended" && notify(message || text.timers.rings));
  addEventListener("hashchange", route);
  document.querySelector(".skip").addEventListener("click", event => {
    event.preventDefault();
    main.focus();
  });
  showPanel();
  if (window.isSecureContext && "serviceWorker" in navigator)
    navigator.serviceWorker.register("/panel/worker.js", {scope: "/panel/"}).catch(() => {});
}
