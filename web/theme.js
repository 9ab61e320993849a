// Before the first paint, so that no other theme flashes. Everything else is a module and comes later.
(() => {
  const root = document.documentElement;
  let saved = {};
  try {
    saved = JSON.parse(localStorage.getItem("va.panel") || "{}") || {};
  } catch {
    // Storage that is blocked or damaged leaves the defaults.
  }
  if (saved.theme === "dark" || saved.theme === "light")
    root.dataset.theme = saved.theme;
  if (saved.textSize === "large" || saved.textSize === "larger")
    root.dataset.size = saved.textSize;
})();
