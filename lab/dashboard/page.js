"use strict";

// What the page was made with: a place for each widget; for graphs and numbers their lines.
const plan = JSON.parse(document.getElementById("plan").textContent);
const grid = document.getElementById("grid");
const sections = [...grid.children];
const graphs = new Map();
const hidden = plan.map(() => new Set());
const state = { widgets: [], range: null, last: null, busy: false, again: false, changed: Date.now() };
const query = new URLSearchParams(location.search);
const dark = matchMedia("(prefers-color-scheme: dark)");
const ROW = 50;
const GAP = 8;

// ---------------------------------------------------------------- words

/** A number to about three digits: as `lab.analysis.wording.figure` formats it. */
function figure(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(Number(value.toPrecision(3)));
  if (size > 0 && size < 0.1) return small(value);
  const [whole, rest] = fixed(value, size === 0 || size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3).split(".");
  return whole.replace(/\B(?=(\d{3})+$)/g, ",") + (rest ? `.${rest}` : "");
}

/** So many digits after the point; of two that are as near the even one, as Python rounds. */
function fixed(value, digits) {
  if (Math.abs(value) >= 1e21) return String(BigInt(value));
  const exact = value.toFixed(80);
  const end = exact.indexOf(".") + 1 + digits;
  const cut = exact.slice(0, digits ? end : end - 1);
  return /^50*$/.test(exact.slice(end)) && Number(cut.at(-1)) % 2 === 0 ? cut : value.toFixed(digits);
}

/** Two digits of a number below 0.1, as Python's `.2g` writes it. */
function small(value) {
  const rounded = Number(value.toPrecision(2));
  if (Math.abs(rounded) >= 1e-4) return String(Number(fixed(value, 1 - Math.floor(Math.log10(Math.abs(rounded))))));
  return rounded.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
}

const clock = (seconds) => new Date(seconds * 1000).toISOString().slice(11, 19);
const length = (seconds) => (seconds % 3600 === 0 ? `${seconds / 3600} h` : seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`);

function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

// ---------------------------------------------------------------- colours

const isDark = () => (document.documentElement.dataset.theme === "auto" ? dark.matches : document.documentElement.dataset.theme === "dark");
const colorOf = (line) => (isDark() ? line.dark : line.light);
const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

function swatch(line) {
  const made = element("span", "swatch");
  made.style.background = colorOf(line);
  return made;
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  document.getElementById("theme").textContent = `Theme: ${theme}`;
  localStorage.setItem("theme", theme);
  drawAll();
}

// ---------------------------------------------------------------- drawing

function drawAll() {
  sections.forEach((_, number) => draw(number));
}

function draw(number) {
  const result = state.widgets[number];
  if (!result || result.kind === "text") return;
  const body = sections[number].querySelector(".body");
  const chip = sections[number].querySelector(".chip");
  chip.hidden = !(result.kind === "graph" && result.sums && state.range.period !== state.range.own);
  if (!chip.hidden) chip.textContent = `count per ${length(state.range.period)}`;
  sections[number].dataset.kind = result.kind;
  if (result.kind === "graph") return drawGraph(number, body, result);
  forget(number);
  if (result.kind === "numbers") return body.replaceChildren(numbers(number, result));
  if (result.kind === "table") return body.replaceChildren(table(result));
  body.replaceChildren(element("p", result.kind === "refused" ? "why refused" : "why", result.why));
}

function forget(number) {
  const graph = graphs.get(number);
  if (!graph) return;
  watcher.unobserve(graph.plot);
  graph.chart?.dispose();
  graphs.delete(number);
}

function numbers(number, result) {
  const list = element("dl", "numbers");
  plan[number].lines.forEach((line, place) => {
    const entry = element("div");
    const name = element("dt");
    name.append(swatch(line), element("span", "", line.label));
    name.title = line.label;
    entry.append(name, element("dd", "", result.texts[place]));
    list.append(entry);
  });
  return list;
}

function table(result) {
  const scroll = element("div", "scroll");
  scroll.tabIndex = 0;
  const made = element("table");
  const cell = (name, text, place) => element(name, result.numeric[place] ? "number" : "", text);
  const head = element("tr");
  head.append(...result.columns.map((text, place) => cell("th", text, place)));
  const rows = result.rows.map((row) => {
    const line = element("tr");
    line.append(...row.map((text, place) => cell("td", text, place)));
    return line;
  });
  made.append(element("thead"), element("tbody"));
  made.tHead.append(head);
  made.tBodies[0].append(...rows);
  scroll.append(made);
  return scroll;
}

function drawGraph(number, body, result) {
  let graph = graphs.get(number);
  if (!graph) {
    graph = newGraph(number);
    graphs.set(number, graph);
    body.replaceChildren(graph.plot, graph.legend);
    watcher.observe(graph.plot);
    sizes.observe(graph.plot);
  }
  graph.result = result;
  drawLegend(number, graph);
  graph.due = true;
  if (graph.near) drawLines(number, graph);
}

function newGraph(number) {
  const plot = element("div", "plot");
  plot.tabIndex = 0;
  plot.setAttribute("role", "application");
  plot.setAttribute("aria-roledescription", "graph");
  plot.dataset.number = number;
  const graph = { plot, canvas: element("div", "canvas"), hair: element("div", "hair"), band: element("div", "band"), legend: element("div", "legend") };
  plot.append(graph.canvas, graph.hair, graph.band);
  listen(number, graph);
  return graph;
}

function drawLegend(number, graph) {
  const held = [...graph.legend.children].indexOf(document.activeElement);
  graph.legend.replaceChildren(
    ...plan[number].lines.map((line) => {
      const button = element("button");
      button.type = "button";
      button.setAttribute("aria-pressed", String(!hidden[number].has(line.label)));
      button.title = line.label;
      button.append(swatch(line), element("span", "", line.label));
      button.addEventListener("click", () => {
        if (!hidden[number].delete(line.label)) hidden[number].add(line.label);
        draw(number);
      });
      return button;
    }),
  );
  if (held >= 0) graph.legend.children[held]?.focus();
}

function drawLines(number, graph) {
  graph.due = false;
  graph.chart ??= echarts.init(graph.canvas, null, { renderer: "canvas", useDirtyRect: false });
  graph.chart.setOption(option(number, graph.result), { notMerge: true });
  const shown = plan[number].lines.filter((line) => !hidden[number].has(line.label)).map((line) => line.label);
  graph.plot.setAttribute("aria-label", `${sections[number].getAttribute("aria-label")}: ${shown.join(", ")}. Arrow keys read the values; Shift and arrows select, Enter shows the selection.`);
  graph.plot.dataset.lines = shown.length;
  placeHair(graph);
}

function option(number, result) {
  const { lines, axis, levels } = plan[number];
  const muted = style("--muted");
  const label = { color: muted, fontSize: 11, hideOverlap: true };
  return {
    animation: false,
    useUTC: true,
    textStyle: { fontFamily: "system-ui, sans-serif" },
    grid: { left: 8, right: 14, top: axis.label ? 24 : 12, bottom: 4, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    xAxis: {
      type: "time", min: state.range.start * 1000, max: state.range.end * 1000, splitNumber: 4,
      axisLabel: { ...label, formatter: (at) => clock(at / 1000).slice(0, state.range.period % 60 ? 8 : 5) },
      axisLine: { lineStyle: { color: muted } }, splitLine: { show: false },
    },
    yAxis: {
      type: "value", min: axis.min, max: axis.max, name: axis.label, nameTextStyle: { color: muted, fontSize: 11, align: "left" }, nameGap: 8,
      axisLabel: { ...label, formatter: (value) => value.toLocaleString("en-GB") }, splitLine: { lineStyle: { color: style("--grid") } }, splitNumber: 4,
    },
    series: lines.flatMap((line, place) => (hidden[number].has(line.label) ? [] : [lineOption(line, result.series[place])])).concat(levelsOption(levels, muted)),
  };
}

function lineOption(line, values) {
  const at = (place) => (state.range.start + place * state.range.period) * 1000;
  const missing = (place) => values[place] === null || values[place] === undefined;
  const data = values.map((value, place) => {
    const alone = !missing(place) && missing(place - 1) && missing(place + 1);
    return { value: [at(place), value], symbol: alone ? "circle" : "none", symbolSize: 4 };
  });
  return { type: "line", name: line.label, color: colorOf(line), lineStyle: { width: 1.75 }, showSymbol: true, data };
}

function levelsOption(levels, color) {
  if (!levels.length) return [];
  return [{
    type: "line", data: [],
    markLine: {
      silent: true, symbol: "none", lineStyle: { color, type: "dashed" },
      label: { position: "insideStartTop", color, formatter: (mark) => mark.name },
      data: levels.map((level) => ({ yAxis: level.value, name: level.label })),
    },
  }];
}

const watcher = new IntersectionObserver((entries) => {
  for (const entry of entries) {
    const number = Number(entry.target.dataset.number);
    const graph = graphs.get(number);
    if (!graph) continue;
    graph.near = entry.isIntersecting;
    if (graph.near && graph.due) drawLines(number, graph);
  }
}, { rootMargin: "300px" });

const sizes = new ResizeObserver((entries) => {
  for (const entry of entries) {
    const graph = graphs.get(Number(entry.target.dataset.number));
    graph?.chart?.resize();
    if (graph) placeHair(graph);
  }
});

// ---------------------------------------------------------------- crosshair, values, selection

const tip = document.getElementById("tip");
const cross = { place: null, number: null, anchor: null };

function listen(number, graph) {
  const { plot } = graph;
  plot.addEventListener("pointermove", (event) => {
    const place = placeAt(graph, event);
    if (place !== null) point(number, place, event.clientX, event.clientY);
  });
  plot.addEventListener("pointerleave", () => cross.anchor === null && unpoint());
  plot.addEventListener("pointerdown", (event) => {
    if (event.button || event.pointerType === "touch") return;
    cross.anchor = placeAt(graph, event);
    plot.setPointerCapture(event.pointerId);
  });
  plot.addEventListener("pointerup", (event) => {
    const place = placeAt(graph, event);
    const { anchor } = cross;
    cross.anchor = null;
    placeBand(graph);
    if (anchor !== null && place !== null && anchor !== place) select(anchor, place);
  });
  plot.addEventListener("keydown", (event) => keyed(event, number, graph));
  plot.addEventListener("blur", () => { cross.anchor = null; placeBand(graph); unpoint(); });
}

function placeAt(graph, event) {
  if (!graph.chart) return null;
  const at = graph.chart.convertFromPixel({ xAxisIndex: 0 }, event.clientX - graph.plot.getBoundingClientRect().left) / 1000;
  return clamped(Math.round((at - state.range.start) / state.range.period));
}

const count = () => Math.round((state.range.end - state.range.start) / state.range.period);
const clamped = (place) => Math.max(0, Math.min(count() - 1, place));

function point(number, place, x, y) {
  Object.assign(cross, { place, number });
  for (const graph of graphs.values()) placeHair(graph);
  placeBand(graphs.get(number));
  show(number, place, x, y);
}

function unpoint() {
  cross.place = null;
  tip.hidden = true;
  for (const graph of graphs.values()) placeHair(graph);
}

function pixel(graph, place) {
  return graph.chart.convertToPixel({ xAxisIndex: 0 }, (state.range.start + place * state.range.period) * 1000);
}

function across(graph, made, left, width) {
  const rect = graph.chart.getModel().getComponent("grid").coordinateSystem.getRect();
  Object.assign(made.style, { display: "block", left: `${left}px`, top: `${rect.y}px`, height: `${rect.height}px` });
  if (width !== undefined) made.style.width = `${width}px`;
}

function placeHair(graph) {
  if (cross.place === null || !graph.chart || !graph.near) graph.hair.style.display = "none";
  else across(graph, graph.hair, pixel(graph, cross.place));
}

function placeBand(graph) {
  if (cross.anchor === null || cross.place === null) graph.band.style.display = "none";
  else {
    const ends = [pixel(graph, cross.anchor), pixel(graph, cross.place)].sort((a, b) => a - b);
    across(graph, graph.band, ends[0], ends[1] - ends[0]);
  }
}

function show(number, place, x, y) {
  const at = clock(state.range.start + place * state.range.period);
  const rows = plan[number].lines.map((line, index) => [line, state.widgets[number].series?.[index]?.[place]]).filter(([line]) => !hidden[number].has(line.label));
  tip.replaceChildren(element("strong", "", `${at} UTC`), ...rows.map(([line, value]) => {
    const row = element("div");
    row.append(swatch(line), element("span", "", line.label), element("span", "", figure(value)));
    return row;
  }));
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.left = `${Math.max(4, x + 16 + width > innerWidth ? x - width - 16 : x + 16)}px`;
  tip.style.top = `${Math.max(4, Math.min(y + 16, innerHeight - height - 4))}px`;
  return `${at}: ${rows.map(([line, value]) => `${line.label} ${figure(value)}`).join(", ")}`;
}

function keyed(event, number, graph) {
  const from = cross.number === number && cross.place !== null ? cross.place : -1;
  const to = { ArrowLeft: from < 0 ? count() - 1 : from - 1, ArrowRight: from + 1, Home: 0, End: count() - 1 }[event.key];
  if (event.key === "Enter" && cross.anchor !== null && from >= 0 && cross.anchor !== from) {
    const { anchor } = cross;
    cross.anchor = null;
    placeBand(graph);
    select(anchor, from);
  } else if (event.key === "Escape" && (cross.place !== null || cross.anchor !== null)) {
    cross.anchor = null;
    unpoint();
    placeBand(graph);
    event.stopPropagation();
  } else if (to !== undefined && graph.chart) {
    event.preventDefault();
    cross.anchor = event.shiftKey ? (cross.anchor ?? Math.max(from, 0)) : null;
    const place = clamped(to);
    const box = graph.plot.getBoundingClientRect();
    point(number, place, box.left + pixel(graph, place), box.top + 20);
    document.getElementById("spoken").textContent = show(number, place, box.left + pixel(graph, place), box.top + 20);
  }
}

/** Show from one period to another. */
function select(one, other) {
  const [first, last] = [Math.min(one, other), Math.max(one, other)];
  const { start, period } = state.range;
  query.delete("last");
  query.set("start", start + first * period);
  query.set("end", start + (last + 1) * period - 0.001);
  unpoint();
  ask();
}

// ---------------------------------------------------------------- full screen

function enlarge(section, on) {
  section.classList.toggle("full", on);
  section.querySelector(".enlarge").setAttribute("aria-pressed", String(on));
  for (const other of [...sections, document.querySelector(".top")]) {
    if (other !== section) other.inert = on;
  }
  section.querySelector(".enlarge").focus();
}

for (const section of sections) {
  section.querySelector(".enlarge")?.addEventListener("click", () => enlarge(section, !section.classList.contains("full")));
}
document.addEventListener("keydown", (event) => {
  const full = document.querySelector(".full");
  if (event.key === "Escape" && full) enlarge(full, false);
});

// ---------------------------------------------------------------- data

async function ask() {
  history.replaceState(null, "", `?${query}`);
  pressed();
  if (state.busy) {
    state.again = true;
    return;
  }
  state.busy = true;
  try {
    const asked = new URLSearchParams(query);
    asked.set("dashboard", grid.dataset.dashboard);
    const answer = await fetch(`/data?${asked}`);
    if (answer.ok) take(await answer.json());
    else document.getElementById("note").textContent = (await answer.text()).trim();
  } catch {
    lost();
  }
  state.busy = false;
  if (state.again) {
    state.again = false;
    ask();
  }
}

function take(found) {
  status(found);
  if (!found.widgets) return;
  if (found.plan !== grid.dataset.plan) return location.reload(); // deployed again, with other widgets
  const moved = JSON.stringify(state.range) !== JSON.stringify(found.range);
  state.range = found.range;
  state.widgets = found.widgets;
  if (moved) unpoint();
  note();
  drawAll();
  document.documentElement.dataset.version = found.version;
  if (!performance.getEntriesByName("drawn").length) requestAnimationFrame(() => performance.mark("drawn"));
}

function note() {
  const { start, end, period, own } = state.range;
  const finer = period !== own ? ` CloudWatch draws these with the dashboard's own period, ${length(own)}; here each sum is over ${length(period)}, whatever its title says.` : "";
  document.getElementById("note").textContent =
    `${new Date(start * 1000).toISOString().slice(0, 10)}, ${clock(start)} to ${clock(end)} UTC; a point for each ${length(period)}.${finer} Drag across a graph to choose a range.`;
}

function status(found) {
  if (state.records !== found.records) Object.assign(state, { records: found.records, changed: Date.now() });
  const place = document.getElementById("status");
  [place.dataset.state, place.textContent] = found.problem ? ["lost", found.problem] : found.kind === "endpoint" ? ["live", `live: as of ${clock(found.window[1])} UTC`] : progress(found);
}

/** How far a run has been read: the state, and words for it. */
function progress(found) {
  const quiet = Math.round((Date.now() - state.changed) / 1000);
  const many = `${found.records.toLocaleString("en-GB")} records`;
  const damaged = found.damaged ? `, ${found.damaged.toLocaleString("en-GB")} damaged lines skipped` : "";
  if (found.share < 0.98 && found.records > 0) return ["reading", `reading, ${Math.floor(found.share * 100)} %: ${many} so far`];
  if (found.finished) return ["finished", `finished: ${many}${damaged}`];
  if (!found.records) return ["live", "no record yet: waiting"];
  return ["live", quiet > 15 ? `not finished, and no news for ${quiet} s: ${many}${damaged}` : `live: ${many}${damaged}`];
}

function lost() {
  const place = document.getElementById("status");
  place.dataset.state = "lost";
  place.textContent = "the server has stopped; this is what it last sent";
}

function hear() {
  const events = new EventSource("/events");
  let version = -1;
  events.onmessage = (event) => {
    const found = JSON.parse(event.data);
    status(found);
    if (found.version !== version && !document.hidden) {
      version = found.version;
      ask();
    }
  };
  events.onerror = lost;
  document.addEventListener("visibilitychange", () => document.hidden || ask());
  addEventListener("pagehide", () => events.close());
}

// ---------------------------------------------------------------- controls

function pressed() {
  const custom = query.has("start");
  for (const button of document.querySelectorAll("[data-last]")) {
    button.setAttribute("aria-pressed", String(!custom && button.dataset.last === (query.get("last") ?? "")));
  }
  const own = document.getElementById("custom");
  own.hidden = !custom;
  own.setAttribute("aria-pressed", String(custom));
  if (custom) own.textContent = `${clock(query.get("start"))} to ${clock(query.get("end"))}`;
}

for (const button of document.querySelectorAll("[data-last]")) {
  button.addEventListener("click", () => {
    for (const name of ["start", "end", "last"]) query.delete(name);
    if (button.dataset.last) query.set("last", button.dataset.last);
    ask();
  });
}
const period = document.getElementById("period");
period.value = query.get("period") ?? "auto";
period.addEventListener("change", () => {
  query.set("period", period.value);
  ask();
});
document.getElementById("dashboard").addEventListener("change", (event) => {
  query.set("dashboard", event.target.value);
  location.search = `?${query}`;
});
document.getElementById("theme").addEventListener("click", () => {
  const themes = ["auto", "light", "dark"];
  setTheme(themes[(themes.indexOf(document.documentElement.dataset.theme) + 1) % themes.length]);
});
dark.addEventListener("change", drawAll);

plan.forEach(({ place }, number) => {
  const section = sections[number];
  section.style.gridColumn = `${place.x + 1} / span ${place.width}`;
  section.style.gridRow = `${place.y + 1} / span ${place.height}`;
  section.style.setProperty("--height", `${place.height * ROW + (place.height - 1) * GAP}px`);
});
setTheme(localStorage.getItem("theme") ?? "auto");
hear();
