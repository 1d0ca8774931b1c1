// Draws charts without a browser. Argument: the path of ECharts. Standard input: {width, jobs: {name: {height, option}}}.
// Standard output: {name: SVG text}.
"use strict";
const fs = require("node:fs");
const echarts = require(process.argv[2]);

const { width, jobs } = JSON.parse(fs.readFileSync(0, "utf8"));
const pictures = {};
for (const [name, { height, option }] of Object.entries(jobs)) {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width, height });
  chart.setOption(option);
  pictures[name] = chart.renderToSVGString();
  chart.dispose();
}
process.stdout.write(JSON.stringify(pictures));
