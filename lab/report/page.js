"use strict";
const options = JSON.parse(document.getElementById("options").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");
const drawn = [...document.querySelectorAll("[data-chart]")].map((place) => [
  place.dataset.chart,
  echarts.init(place, null, { renderer: "svg" }),
]);
function draw(theme) {
  for (const [name, chart] of drawn) {
    chart.setOption(options[name][theme ?? (dark.matches ? "dark" : "light")], true);
  }
}
draw();
dark.addEventListener("change", () => draw());
addEventListener("resize", () => drawn.forEach(([, chart]) => chart.resize()));
// Paper is light.
addEventListener("beforeprint", () => draw("light"));
addEventListener("afterprint", () => draw());
