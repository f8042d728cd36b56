"use strict";
(() => {
  const form = document.querySelector(".filter");
  const field = form.querySelector("input");
  const shown = form.querySelector("output");
  const buttons = [...form.querySelectorAll("button")];
  const rows = [...document.querySelectorAll(".index tbody tr")].map((row) => ({
    row,
    link: row.querySelector("a"),
    verdict: row.dataset.verdict,
    text: `${row.textContent} ${row.dataset.checks}`.toLowerCase(),
  }));

  // Every word must be there; of several verdicts, one.
  const filter = () => {
    const words = field.value.toLowerCase().split(/\s+/);
    const verdicts = buttons
      .filter((each) => each.ariaPressed === "true")
      .map((each) => each.dataset.verdict);
    let left = 0;
    for (const { row, text, verdict } of rows) {
      row.hidden = !(
        words.every((word) => text.includes(word)) &&
        (!verdicts.length || verdicts.includes(verdict))
      );
      left += !row.hidden;
    }
    shown.textContent = left === rows.length ? "" : `${left} of ${rows.length}`;
  };

  const move = (step) => {
    const links = rows.filter(({ row }) => !row.hidden).map(({ link }) => link);
    const next = links.indexOf(document.activeElement) + step;
    if (next < 0) field.focus();
    else links[Math.min(next, links.length - 1)]?.focus();
  };

  field.addEventListener("input", filter);
  for (const each of buttons) {
    each.addEventListener("click", () => {
      each.ariaPressed = String(each.ariaPressed !== "true");
      filter();
    });
  }
  form.addEventListener("submit", (event) => event.preventDefault());
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const here = form.contains(event.target) || event.target.closest?.(".index");
    if (event.key === "/" && event.target !== field) {
      field.focus();
    } else if (event.key === "Escape" && here) {
      field.value = "";
      for (const each of buttons) each.ariaPressed = "false";
      filter();
      field.focus();
    } else if (event.key === "ArrowDown" && here) {
      move(1);
    } else if (event.key === "ArrowUp" && here) {
      move(-1);
    } else {
      return;
    }
    event.preventDefault();
  });
  form.hidden = false;
  filter(); // a browser may have kept what was typed
})();
