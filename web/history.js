// What was said and done: searched, exported, deleted.
import * as api from "/panel/api.js";
import {ask, button, download, empty, h, notify, screen} from "/panel/dom.js";
import {text} from "/panel/text.js";

const PAGE = 30, SEARCH_MS = 250;

function dayOf(date) {
  const midnight = new Date(), days = Math.round((midnight.setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 86400000);
  return days === 0 ? text.history.today : days === 1 ? text.history.yesterday : date.toLocaleDateString([], {weekday: "long", day: "numeric", month: "long"});
}

export function historyScreen() {
  const search = h("input", {class: "field", type: "search", "aria-label": text.history.search, placeholder: text.history.search, autocomplete: "off"});
  const list = h("div", {}), more = button(text.history.more, {onclick: () => load(true)});
  const tools = h("div", {class: "actions foot"},
    button(text.history.exportJson, {icon: "download", onclick: () => save("jsonl")}), button(text.history.exportCsv, {icon: "download", onclick: () => save("csv")}),
    button(text.history.removeAll, {icon: "trash", kind: "bad", onclick: removeAll}));
  const element = screen(text.history.title, {}, search, list, more, tools);
  let next = null, lastDay = "", controller = null, searchTimer = 0;
  more.hidden = tools.hidden = true;

  function entryRow(entry) {
    const said = entry.text || entry.command || "", date = new Date(entry.time);
    const row = h("li", {class: `card entry ${entry.success === false ? "failed" : ""}`}, h("div", {class: "grow"},
      h("div", {class: "when"}, date.toLocaleTimeString([], {hour: "2-digit", minute: "2-digit"}), entry.source ? ` · ${entry.source}` : ""),
      h("div", {}, said), entry.response ? h("div", {class: "answer muted"}, entry.response) : null),
    button(text.history.remove(said), {icon: "trash", hidden: true, kind: "plain", onclick: async () => {
      try {
        await api.remove(`/history/${encodeURIComponent(entry.id)}`);
        const neighbour = (row.nextElementSibling || row.previousElementSibling)?.querySelector("button") || search;
        row.remove();
        neighbour.focus();
        notify(text.history.removed);
      } catch (error) {
        notify(error.message);
      }
    }}));
    return row;
  }

  function append(entries) {
    for (const entry of entries) {
      const day = dayOf(new Date(entry.time));
      if (day !== lastDay) {
        list.append(h("h2", {class: "day"}, day), h("ul", {}));
        lastDay = day;
      }
      list.lastElementChild.append(entryRow(entry));
    }
  }

  async function load(isMore) {
    controller?.abort();
    controller = new AbortController();
    const query = new URLSearchParams({limit: PAGE}), wanted = search.value.trim();
    if (wanted)
      query.set("search", wanted);
    if (isMore && next !== null)
      query.set("before_id", next);
    try {
      const answer = await api.get(`/history?${query}`, {signal: controller.signal}), entries = answer.entries || [];
      if (!isMore) {
        list.replaceChildren();
        lastDay = "";
      }
      append(entries);
      next = answer.next ?? null;
      more.hidden = next === null;
      tools.hidden = list.childElementCount === 0;
      if (list.childElementCount === 0)
        list.replaceChildren(empty("history", wanted ? text.history.noMatch : answer.enabled === false ? text.history.off : text.history.none));
    } catch (error) {
      if (error.name === "AbortError")
        return;
      more.hidden = tools.hidden = true;
      list.replaceChildren(empty("history", error.code === "no_history" ? text.history.off : error.message));
    }
  }

  async function save(format) {
    try {
      download(`history.${format}`, await api.blob(`/history/export?format=${format}`));
    } catch (error) {
      notify(error.message);
    }
  }

  async function removeAll() {
    if (!await ask(text.history.askAll, text.history.removeAll, text.cancel))
      return;
    try {
      await api.remove("/history?all=true");
      notify(text.history.removed);
    } catch (error) {
      notify(error.message);
    }
    load(false);
  }

  search.addEventListener("input", () => {
    clearTimeout(searchTimer);
    searchTimer = setTimeout(() => load(false), SEARCH_MS);
  });
  return {element, show: () => load(false), hide: () => controller?.abort()};
}
