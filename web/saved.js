// What this browser remembers: the look of the panel, and the token.
const KEY = "va.panel", TOKEN = "va.token";

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY) || "{}") || {};
  } catch {
    return {};
  }
}

const values = {theme: "auto", textSize: "normal", microphone: "auto", ...read()};

export function get(name) {
  return values[name];
}

export function set(name, value) {
  values[name] = value;
  write(KEY, JSON.stringify(values));
  apply();
}

// theme.js has done this once already, before the first paint.
export function apply() {
  const {dataset} = document.documentElement;
  if (values.theme === "auto")
    delete dataset.theme;
  else
    dataset.theme = values.theme;
  dataset.size = values.textSize;
  const colour = getComputedStyle(document.documentElement).getPropertyValue("--ground").trim();
  document.querySelector('meta[name="theme-color"]').setAttribute("content", colour);
}

function write(key, value) {
  try {
    if (value === null)
      localStorage.removeItem(key);
    else
      localStorage.setItem(key, value);
  } catch {
    // Without storage the choice holds until the page is left.
  }
}

let heldToken = null;
export function token() {
  try {
    heldToken = localStorage.getItem(TOKEN) || heldToken;
  } catch {
    // As above.
  }
  return heldToken;
}

export function setToken(value) {
  heldToken = value;
  write(TOKEN, value);
}
