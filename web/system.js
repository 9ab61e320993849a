// Health, the machine, power, the assistant's numbers. Looked at while the screen is open.
import * as api from "/panel/api.js";
import * as assistant from "/panel/assistant.js";
import {button, duration, h, icon, notify, screen, setIcon, setText} from "/panel/dom.js";
import {text} from "/panel/text.js";

const LOOK_MS = 3000, ABSENT = {};

const percent = value => Number.isFinite(value) ? `${Math.round(value)} %` : "–";
const bytes = value => {
  const units = ["B", "kB", "MB", "GB", "TB"], at = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(value || 1) / 3)));
  return Number.isFinite(value) ? `${(value / 1000 ** at).toFixed(at > 2 ? 1 : 0)} ${units[at]}` : "–";
};

function gauge(label) {
  const value = h("dd", {}, "–"), bar = h("div", {});
  bar.style.transform = "scaleX(0)";
  return {
    element: h("div", {class: "measure"}, h("dl", {class: "facts"}, h("dt", {}, label), value), h("div", {class: "gauge", "aria-hidden": "true"}, bar)),
    set(amount, shown) {
      setText(value, shown ?? percent(amount));
      bar.style.transform = `scaleX(${Math.max(0, Math.min(1, (amount || 0) / 100))})`;
    },
  };
}

function facts(labels) {
  const values = Object.fromEntries(Object.keys(labels).map(key => [key, h("dd", {}, "–")]));
  return {
    element: h("dl", {class: "facts"}, Object.entries(labels).flatMap(([key, label]) => [h("dt", {}, label), values[key]])),
    set: (key, value) => setText(values[key], value === null || value === undefined || value === "" ? "–" : String(value)),
  };
}

export function systemScreen() {
  const t = text.system, healthIcon = icon("check"), healthTitle = h("span", {}, "–"), reasons = h("ul", {class: "muted small"});
  const cpu = gauge(t.cpu), memory = gauge(t.memory), disk = gauge(t.disk), battery = gauge(t.battery);
  const microphone = facts({state: t.state, device: t.device, level: t.level});
  const power = facts({mode: t.mode, state: t.battery, voltage: t.voltage, wifi: t.wifi, temperature: t.temperature}), modes = h("div", {class: "actions"});
  const about = facts({model: t.model, queue: t.queue, transcriptions: t.transcriptions, commands: t.commands, uptime: t.uptime, version: t.version});
  const noPower = h("p", {class: "muted"}, t.notPresent);
  const element = screen(t.title, {}, h("div", {class: "cards filled"},
    h("section", {class: "card"}, h("h2", {}, healthIcon, healthTitle), reasons, cpu.element, memory.element, disk.element),
    h("section", {class: "card"}, h("h2", {}, icon("battery"), t.power), noPower, battery.element, power.element, modes),
    h("section", {class: "card"}, h("h2", {}, icon("mic"), t.microphone), microphone.element),
    h("section", {class: "card"}, h("h2", {}, icon("system"), t.about), about.element)));
  let timer = 0, isOpen = false, shownModes = "";
  battery.element.hidden = power.element.hidden = true;

  async function ask(path) {
    if (!await assistant.has(`GET ${path}`))
      return ABSENT;
    try {
      return await api.get(path, {also: [503]});
    } catch (error) {
      return api.isAbsent(error) ? ABSENT : null;
    }
  }

  function showHealth(health) {
    const isGood = health.status === "healthy", list = (health.reasons || []).map(reason => typeof reason === "string" ? reason : reason.message ?? reason.code ?? "");
    setText(healthTitle, isGood ? t.healthy : t.unhealthy);
    setIcon(healthIcon.parentElement, isGood ? "check" : "alert");
    if (reasons.textContent !== list.join(""))
      reasons.replaceChildren(...list.map(reason => h("li", {}, reason)));
  }

  function showMachine(numbers) {
    cpu.set(numbers.cpu?.percent, `${percent(numbers.cpu?.percent)} · ${t.cores(numbers.cpu?.count ?? 0)}`);
    memory.set(numbers.memory?.percent, `${percent(numbers.memory?.percent)} · ${bytes(numbers.memory?.total)}`);
    disk.set(numbers.disk?.percent, `${percent(numbers.disk?.percent)} · ${bytes(numbers.disk?.total)}`);
  }

  function showStatus(status) {
    microphone.set("state", t.microphoneStates[status.microphone?.state] ?? status.microphone?.state);
    microphone.set("device", status.microphone?.device);
    microphone.set("level", status.microphone?.state === "open" ? `${Math.round(status.microphone.level)} dB` : "–");
    about.set("model", status.model?.replace(/^.*\//, "").replace(/\.vam$/, ""));
    about.set("queue", `${status.queue_depth} / ${status.queue_capacity}`);
    about.set("transcriptions", status.transcriptions);
    about.set("commands", status.commands);
    about.set("uptime", duration(status.uptime));
    about.set("version", status.version);
  }

  function showPower(state, charge) {
    const hasBattery = charge?.present === true, mode = state?.mode ?? null, hasMode = Boolean(state?.governor || state?.backlight);
    noPower.hidden = hasBattery || hasMode;
    battery.element.hidden = !hasBattery;
    power.element.hidden = !hasBattery && !hasMode;
    if (hasBattery) {
      battery.set(charge.percent);
      power.set("state", charge.charging === null ? null : charge.charging ? t.charging : t.discharging);
      power.set("voltage", charge.voltage === null ? null : `${charge.voltage.toFixed(2)} V`);
    }
    power.set("mode", t.modes[mode] ?? state?.governor);
    power.set("wifi", typeof state?.wifi === "boolean" ? state.wifi ? t.switchedOn : t.switchedOff : null);
    power.set("temperature", state?.cpu_temperature ? `${Math.round(state.cpu_temperature)} °C${state.throttled ? ` · ${t.throttled}` : ""}` : null);
    const offered = hasMode ? Object.keys(t.modes) : [], shape = offered.join() + mode;
    if (shape !== shownModes) {
      shownModes = shape;
      modes.replaceChildren(...offered.map(name => button(t.modes[name] ?? name, {kind: name === mode ? "main" : "", "aria-pressed": String(name === mode), onclick: async () => {
        await api.post("/power/mode", {mode: name}).catch(error => notify(error.message));
        look();
      }})));
    }
  }

  async function look() {
    clearTimeout(timer);
    const [health, numbers, status, state, charge] = await Promise.all(["/health", "/metrics", "/status", "/power", "/battery"].map(ask));
    if (health)
      showHealth(health);
    if (numbers)
      showMachine(numbers);
    if (status)
      showStatus(status);
    showPower(state, charge);
    if (isOpen)
      timer = setTimeout(look, LOOK_MS);
  }

  return {
    element,
    show() {
      isOpen = true;
      return look();
    },
    hide() {
      isOpen = false;
      clearTimeout(timer);
    },
  };
}
