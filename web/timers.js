// Timers and alarms with what is left of them; the clock here ticks by itself between two looks at the assistant.
import * as api from "/panel/api.js";
import * as assistant from "/panel/assistant.js";
import {button, duration, empty, h, icon, notify, screen, setText} from "/panel/dom.js";
import {text} from "/panel/text.js";

const LOOK_MS = 5000, TICK_MS = 250;

export function timersScreen() {
  const list = h("ul", {class: "cards"}), quick = h("div", {class: "actions"});
  const element = screen(text.timers.title, {}, list, h("h2", {class: "day"}, text.timers.say), quick);
  let rows = [], shape = null, lookTimer = 0, tickTimer = 0;

  quick.append(...text.timers.quick.map(([label, sentence]) => button(label, {icon: "timer", "aria-label": `${label}: ${sentence}`, onclick: async () => {
    const answer = await assistant.execute(sentence);
    notify(answer.text ?? text.talk.noCommand);
    look();
  }})));

  function tick() {
    for (const row of rows) {
      const left = (row.endsAt - performance.now()) / 1000;
      setText(row.left, left > 0 ? duration(left) : text.timers.done);
      row.bar.style.transform = `scaleX(${row.seconds > 0 ? Math.max(0, Math.min(1, left / row.seconds)) : 0})`;
    }
  }

  function makeRow(timer) {
    const isAlarm = timer.type === "alarm", name = `${isAlarm ? text.timers.alarm : text.timers.timer} ${timer.name}`.trim();
    const left = h("div", {class: "left", role: "timer", "aria-label": name}), bar = h("div", {});
    const end = new Date(timer.ends_at * 1000);
    const stop = button(text.timers.stop(name), {icon: "close", hidden: true, kind: "plain", onclick: async () => {
      try {
        await api.remove(`/timers/${timer.id}`);
        notify(text.timers.stopped);
      } catch (error) {
        notify(error.message);
      }
      look();
    }});
    return {
      left, bar, seconds: timer.seconds, endsAt: performance.now() + timer.left * 1000,
      item: h("li", {class: "card"}, h("div", {class: "timer"}, icon(isAlarm ? "alarm" : "timer"),
        h("div", {class: "grow"}, left, h("div", {class: "muted"}, isAlarm ? `${text.timers.alarm} ${text.timers.at(end.toLocaleTimeString([], {hour: "2-digit", minute: "2-digit"}))}` : name)), stop),
      isAlarm ? null : h("div", {class: "gauge"}, bar)),
    };
  }

  async function look() {
    clearTimeout(lookTimer);
    try {
      const {timers = []} = await api.get("/timers"), next = JSON.stringify(timers.map(timer => [timer.id, timer.name, timer.type, timer.ends_at, timer.seconds]));
      if (next !== shape) {
        shape = next;
        rows = timers.map(makeRow);
        list.replaceChildren(...rows.map(row => row.item));
        list.hidden = rows.length === 0;
        none.hidden = rows.length > 0;
      } else {
        rows.forEach((row, i) => { row.endsAt = performance.now() + timers[i].left * 1000; });
      }
      tick();
    } catch (error) {
      if (!api.isAbsent(error) && error.status !== 0 && error.status !== 401)
        notify(error.message);
    }
    if (tickTimer)
      lookTimer = setTimeout(look, LOOK_MS);
  }

  const none = empty("timer", text.timers.none);
  list.after(none);
  list.hidden = true;
  const again = () => tickTimer && look();
  assistant.on("event:timer", again);
  assistant.on("executed", again);
  assistant.on("event:result", again);

  return {
    element,
    show() {
      clearInterval(tickTimer);
      tickTimer = setInterval(tick, TICK_MS);
      return look();
    },
    hide() {
      clearInterval(tickTimer);
      clearTimeout(lookTimer);
      tickTimer = 0;
    },
  };
}
