// What the panel knows of the assistant: its state, privacy mode, which features there are. Screens listen to what changes.
import * as api from "/panel/api.js";

const POLL_MS = {events: 15000, none: 2000};

export const bus = new EventTarget();
export const now = {state: "connecting", isPrivate: false, isConnected: false, status: null, features: {timers: true, commands: true, history: true}};

let routes = null;

export function emit(name, detail) {
  bus.dispatchEvent(new CustomEvent(name, {detail}));
}

export function on(name, call) {
  const listener = event => call(event.detail);
  bus.addEventListener(name, listener);
  return () => bus.removeEventListener(name, listener);
}

function setState(state) {
  if (state !== now.state) {
    now.state = state;
    emit("changed");
  }
}

export function setPrivate(isPrivate) {
  if (isPrivate !== now.isPrivate) {
    now.isPrivate = isPrivate;
    emit("changed");
    emit("private", isPrivate);
  }
}

function setConnected(isConnected) {
  if (isConnected !== now.isConnected) {
    now.isConnected = isConnected;
    emit("changed");
  }
}

export async function refresh() {
  try {
    const status = await api.get("/status");
    now.status = status;
    setConnected(true);
    setPrivate(status.privacy_mode === true);
    setState(status.state);
    emit("status", status);
  } catch (error) {
    if (error.status === 0) {
      setConnected(false);
      setState("lost");
    }
  }
}

let hasEvents = false, pollTimer = 0, isRunning = false;

function poll() {
  clearTimeout(pollTimer);
  if (!isRunning)
    return;
  pollTimer = setTimeout(async () => {
    if (!document.hidden)
      await refresh();
    poll();
  }, hasEvents && now.isConnected ? POLL_MS.events : POLL_MS.none);
}

const stream = new api.Events({
  event(name, fields) {
    if (name === "state")
      setState(fields.to);
    else if (name === "snapshot")
      setState(fields.state);
    if (name === "privacy" || name === "snapshot")
      setPrivate((fields.on ?? fields.privacy) === true);
    emit(`event:${name}`, fields);
  },
  open() {
    hasEvents = true;
    refresh();
    emit("reconnected");
    poll();
  },
  lost() {
    hasEvents = false;
    refresh();
    poll();
  },
  absent() {
    hasEvents = false;
    poll();
  },
});

export async function start() {
  stop();
  isRunning = true;
  routes = readRoutes();
  await Promise.all([refresh(), routes]);
  if (!isRunning)
    return;
  poll();
  if (await has("GET /events"))
    stream.start();
}

export function stop() {
  isRunning = false;
  clearTimeout(pollTimer);
  stream.stop();
}

// The program lists its routes: what it does not have is neither asked for nor shown.
async function readRoutes() {
  const list = await api.get("/").then(answer => new Set(answer.routes.map(route => route.replace(" /api/v1/", " /"))), () => null);
  for (const name of Object.keys(now.features))
    now.features[name] = list === null || list.has(`GET /${name}`);
  emit("features");
  return list;
}

export async function has(route) {
  const list = await (routes ??= readRoutes());
  return list === null || list.has(route);
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && isRunning)
    refresh();
});

export async function switchPrivacy(isOn) {
  try {
    const answer = await api.post(isOn ? "/privacy/enable" : "/privacy/disable");
    setPrivate(answer.privacy_mode === true);
  } catch (error) {
    if (typeof error.body?.privacy_mode === "boolean")
      setPrivate(error.body.privacy_mode);
    throw error;
  } finally {
    refresh();
  }
}

// Carries a sentence out. Resolves with {text, isGood, confirm}.
export async function execute(sentence, isConfirmed) {
  try {
    const answer = await api.post("/command/execute", {text: sentence, ...(isConfirmed ? {confirmed: true} : {})});
    emit("executed", answer);
    return {text: answer.response || "", isGood: answer.success === true || answer.confirm === true, confirm: answer.confirm === true};
  } catch (error) {
    return {text: error.code === "no_match" ? null : error.message, isGood: false, confirm: false};
  }
}
