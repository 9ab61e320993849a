// The HTTP API: requests with the token, errors with their code, the stream of events, the live socket.
import {token} from "/panel/saved.js";
import {text} from "/panel/text.js";

const BASE = "/api/v1", PATIENCE_MS = 35000;
const TOKEN_FORM = /^[A-Za-z0-9._~+/=-]+$/;

export class ApiError extends Error {
  constructor(status, code, message, body) {
    super(message);
    Object.assign(this, {status, code, body});
  }
}

let onSignIn = () => {};
export function whenSignInIsNeeded(call) {
  onSignIn = call;
}

function headers(more) {
  const secret = token();
  return {...more, ...(secret ? {Authorization: `Bearer ${secret}`} : {})};
}

async function failure(response) {
  const body = await response.json().catch(() => ({})), error = body.error || {};
  const usual = {403: text.errors.forbidden, 503: text.errors.busy}[response.status] || `${response.status}`;
  const result = new ApiError(response.status, error.code || "", body.response || error.message || usual, body);
  result.retryAfter = Number(response.headers.get("Retry-After")) || 0;
  if (response.status === 401)
    onSignIn(result);
  return result;
}

async function send(method, path, body, signal) {
  const options = {method, headers: headers({Accept: "application/json", ...(body === undefined ? {} : {"Content-Type": "application/json"})}), cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer",
    signal: signal || AbortSignal.timeout(PATIENCE_MS)};
  if (body !== undefined)
    options.body = JSON.stringify(body);
  try {
    return await fetch(BASE + path, options);
  } catch (error) {
    throw error.name === "AbortError" ? error : new ApiError(0, "offline", text.errors.offline, {});
  }
}

export async function call(method, path, body, {also = [], signal} = {}) {
  const response = await send(method, path, body, signal);
  if (!response.ok && !also.includes(response.status))
    throw await failure(response);
  return response.json();
}

export const get = (path, options) => call("GET", path, undefined, options);
export const post = (path, body) => call("POST", path, body);
export const patch = (path, body) => call("PATCH", path, body);
export const remove = path => call("DELETE", path);

export async function blob(path) {
  const response = await send("GET", path);
  if (!response.ok)
    throw await failure(response);
  return response.blob();
}

// Is the feature there? An answer that is not 404 or 501 says so.
export const isAbsent = error => error instanceof ApiError && (error.status === 404 || error.status === 501 || error.status === 405);

// ---- events ----

// EventSource cannot send a token, so the stream is read here. Lines of the format: id, event, data, retry, comments.
export class Events {
  constructor({event, open, lost, absent}) {
    Object.assign(this, {event, open, lost, absent, lastId: null, delayMs: 500, controller: null, timer: 0});
  }

  start() {
    this.stop();
    this.controller = new AbortController();
    this.run(this.controller.signal);
  }

  stop() {
    clearTimeout(this.timer);
    this.controller?.abort();
    this.controller = null;
  }

  async run(signal) {
    try {
      const response = await fetch(`${BASE}/events`, {signal, cache: "no-store", credentials: "omit",
        headers: headers({Accept: "text/event-stream", ...(this.lastId === null ? {} : {"Last-Event-ID": this.lastId})})});
      if (!response.ok) {
        const error = await failure(response);
        if (isAbsent(error))
          return void this.absent();
        throw error;
      }
      this.delayMs = 500;
      this.open();
      await this.read(response.body.pipeThrough(new TextDecoderStream()).getReader());
    } catch (error) {
      if (signal.aborted || error.status === 401)
        return;
    }
    this.lost();
    this.timer = setTimeout(() => !signal.aborted && this.run(signal), this.delayMs);
    this.delayMs = Math.min(this.delayMs * 2, 15000);
  }

  async read(reader) {
    let rest = "", message = {};
    for (;;) {
      const {done, value} = await reader.read();
      if (done)
        return;
      const lines = (rest + value).split(/\r\n|\n|\r/);
      rest = lines.pop();
      for (const line of lines)
        message = this.line(line, message);
    }
  }

  line(line, message) {
    if (line === "") {
      if (message.data !== undefined)
        this.dispatch(message);
      return {};
    }
    const at = line.indexOf(":"), name = at < 0 ? line : line.slice(0, at), value = at < 0 ? "" : line.slice(at + 1).replace(/^ /, "");
    if (name === "data")
      message.data = message.data === undefined ? value : `${message.data}\n${value}`;
    else if (name === "event")
      message.event = value;
    else if (name === "id")
      this.lastId = value;
    return message;
  }

  dispatch({event, data}) {
    let fields;
    try {
      fields = JSON.parse(data);
    } catch {
      return;
    }
    this.event(event || fields.event || "message", fields);
  }
}

// ---- live ----

export function liveSocket(query) {
  const secret = token(), protocols = ["va.v1"];
  if (secret && TOKEN_FORM.test(secret))
    protocols.push(`va.token.${secret}`);
  const url = new URL(`${BASE}/live?${query}`, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  const socket = new WebSocket(url, protocols);
  socket.binaryType = "arraybuffer";
  return socket;
}
