"use strict";
(() => {
  const figures = JSON.parse(document.getElementById("figures").textContent);
  const css = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();
  const names = ["ink", "paper", "rule", "band", "client", "entry", "server", "half"];

  // Figures name their colours; the page's scheme says what they are.
  const painted = (value, palette) => {
    if (typeof value === "string") return value in palette ? palette[value] : value;
    if (Array.isArray(value)) return value.map((each) => painted(each, palette));
    if (value && typeof value === "object") {
      return Object.fromEntries(
        Object.entries(value).map(([key, each]) => [key, painted(each, palette)]),
      );
    }
    return value;
  };

  // The library is large: it is run when the first chart comes near.
  const load = () => {
    const library = document.createElement("script");
    library.textContent = document.getElementById("plotly").textContent;
    document.head.append(library);
  };

  const draw = (place) => {
    if (!window.Plotly) load();
    const palette = Object.fromEntries(names.map((name) => ["@" + name, css("--" + name)]));
    palette["@font"] = getComputedStyle(document.body).fontFamily;
    const { data, layout } = painted(figures[place.dataset.figure], palette);
    place.dataset.drawn = "yes";
    return Plotly.react(place, data, layout, {
      responsive: true,
      displaylogo: false,
      displayModeBar: false,
    });
  };

  const places = [...document.querySelectorAll(".plot")];
  const near = new IntersectionObserver(
    (seen) => {
      for (const { isIntersecting, target } of seen) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        draw(target);
      }
    },
    { rootMargin: "1200px" },
  );
  places.forEach((place) => near.observe(place));

  const redraw = () => places.filter((place) => place.dataset.drawn).forEach(draw);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  matchMedia("print").addEventListener("change", () => places.forEach(draw));
})();
