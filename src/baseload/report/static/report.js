// What the page can do beyond reading: charts, sorting, filtering, drill-down, printing. Every figure is there without it.
"use strict";
(() => {
  const SHOWN = 50; // rows of a long table before "Show all"
  const root = document.documentElement;
  root.classList.add("js");

  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  // ---- charts: options come as JSON; the few functions they may name are here ----
  const MINUS = "\u2212";
  const short = (value) => {
    const size = Math.abs(value);
    const [scale, unit] = size >= 1e9 ? [1e9, "B"] : size >= 1e6 ? [1e6, "M"] : size >= 1e4 ? [1e3, "k"] : [1, ""];
    const scaled = size / scale;
    const shown = scaled.toLocaleString("en-US", { maximumFractionDigits: scaled < 10 && (unit || size < 10) ? 2 : scaled < 100 && unit ? 1 : 0 });
    return `${value < 0 ? MINUS : ""}$${shown}${unit}`;
  };
  const dollars = (value) => `${value < 0 ? MINUS : ""}$${Math.abs(value).toLocaleString("en-US", { maximumFractionDigits: Math.abs(value) < 100 ? 2 : 0 })}`;
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

  const lines = (texts) => texts.map((text) => make("p", { textContent: text }));
  const dayTip = (marks) => {
    const bars = marks.filter((mark) => mark.seriesType === "bar" && mark.value != null);
    const table = make("table");
    for (const mark of bars.filter((bar) => bar.value > 0).reverse()) {
      table.append(make("tr", {}, make("th", { textContent: mark.seriesName }), make("td", { textContent: dollars(mark.value) })));
    }
    const total = bars.reduce((sum, mark) => sum + mark.value, 0);
    const remarks = marks.filter((mark) => mark.seriesType === "scatter").map((mark) => mark.seriesName);
    const head = bars.length ? `${marks[0].name}: ${dollars(total)}` : `${marks[0].name}: no data`;
    return [...lines([head, ...remarks]), table];
  };
  const FUNCTIONS = {
    "fn:usd": (value) => short(value),
    "fn:day": (day) => `${Number(day.slice(8))} ${MONTHS[Number(day.slice(5, 7)) - 1]}`,
    "fn:text": (mark) => mark.data.text ?? mark.name,
    "fn:name": (mark) => mark.name,
    "fn:tip": (mark) => {
      if (!Array.isArray(mark)) return lines(mark.data?.tip ?? [mark.name]);
      const told = mark.find((one) => one.data?.tip);
      return told ? lines(told.data.tip) : dayTip(mark);
    },
    "fn:roomy": ({ rect }) => (rect.width < 66 || rect.height < 32 ? { fontSize: 0.01 } : {}), // no room: the tip says it
    "fn:range": (_, api) => {
      const [at, low, high] = [api.value(0), api.value(1), api.value(2)];
      const [start, end] = [api.coord([low, at]), api.coord([high, at])];
      const height = Math.min(api.value(3) || 14, api.size([0, 1])[1] * 0.5);
      return {
        type: "rect",
        shape: { x: start[0], y: start[1] - height / 2, width: Math.max(end[0] - start[0], 3), height },
        style: { fill: api.visual("color") },
      };
    },
    "fn:whisker": (_, api) => {
      const [start, end] = [api.coord([api.value(1), api.value(0)]), api.coord([api.value(2), api.value(0)])];
      const [half, stroke] = [4, { stroke: "var(--ink)", lineWidth: 1.4, fill: null }];
      const line = (x1, y1, x2, y2) => ({ type: "line", shape: { x1, y1, x2, y2 }, style: stroke });
      const ends = [start, end].map(([x, y]) => line(x, y - half, x, y + half));
      return { type: "group", children: [line(start[0], start[1], end[0], end[1]), ...ends] };
    },
    "fn:link": (_, api) => {
      const [from, to] = [api.coord([api.value(1), api.value(0)]), api.coord([api.value(1), api.value(0) + 1])];
      return { type: "line", shape: { x1: from[0], y1: from[1], x2: to[0], y2: to[1] }, style: { stroke: "var(--rule-strong)", lineWidth: 1 } };
    },
  };
  const REVIVED = ["formatter", "renderItem", "labelLayout"];
  const revive = (key, value) => (REVIVED.includes(key) && FUNCTIONS[value]) || value;

  const drawn = [];
  const drawCharts = () => {
    const options = JSON.parse(document.getElementById("charts").textContent, revive);
    for (const plot of document.querySelectorAll("[data-chart]")) {
      const chart = echarts.init(plot, null, { renderer: "svg" });
      chart.setOption(options[plot.dataset.chart]);
      chart.on("click", (mark) => mark.data?.href && (location.hash = mark.data.href));
      drawn.push(chart);
    }
    let waiting = 0;
    const observer = new ResizeObserver(() => {
      cancelAnimationFrame(waiting);
      waiting = requestAnimationFrame(() => printing || drawn.forEach((chart) => chart.resize()));
    });
    drawn.forEach((chart) => observer.observe(chart.getDom()));
  };

  // ---- tables: a row's group is one <tbody> in the ranked table, one <tr> elsewhere ----
  const unitsOf = (table) => {
    const bodies = [...table.tBodies];
    return bodies.length > 1 || bodies[0]?.classList.contains("workload") ? bodies : [...(bodies[0]?.rows ?? [])];
  };
  const keyOf = (unit, column) => {
    const row = unit.tagName === "TBODY" ? unit.rows[0] : unit;
    const cell = row.cells[column];
    if (cell?.querySelector(".missing")) return "";
    const text = cell?.dataset.sort ?? cell?.querySelector("data")?.value ?? cell?.textContent.trim() ?? "";
    return text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
  };
  const compare = (one, other) => {
    if (one === "" || other === "") return (one === "") - (other === ""); // missing last, either way round
    if (typeof one === "number" && typeof other === "number") return one - other;
    return String(one).localeCompare(String(other), "en", { numeric: true });
  };
  const sortBy = (table, header, column) => {
    const descending = header.getAttribute("aria-sort") === "descending" || (!header.hasAttribute("aria-sort") && !header.classList.contains("num"));
    const sign = descending ? 1 : -1;
    for (const other of header.parentNode.cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", descending ? "ascending" : "descending");
    const keyed = unitsOf(table).map((unit) => [keyOf(unit, column), unit]);
    keyed.sort(([one], [other]) => (one === "" || other === "" ? compare(one, other) : sign * compare(one, other)));
    const foot = table.tFoot;
    for (const [, unit] of keyed) unit.tagName === "TBODY" ? table.insertBefore(unit, foot) : table.tBodies[0].append(unit);
    table.dispatchEvent(new Event("reordered"));
  };
  const makeSortable = (table) => {
    [...table.tHead.rows[0].cells].forEach((header, column) => {
      const label = [...header.childNodes];
      if (!header.textContent.trim() || "unsorted" in header.dataset) return;
      const button = make("button", { type: "button", className: "sort" }, ...label);
      button.addEventListener("click", () => sortBy(table, header, column));
      header.append(button);
      header.dataset.label = header.textContent; // paper: a repeated table head does not repeat its buttons
    });
  };

  // ---- long tables: the first rows, and a button for the rest ----
  const limitRows = (table) => {
    if (unitsOf(table).length <= SHOWN) return;
    let all = false;
    const button = make("button", { type: "button", className: "button" });
    const apply = () => {
      const matching = unitsOf(table).filter((unit) => !unit.classList.contains("unmatched"));
      unitsOf(table).forEach((unit) => unit.classList.toggle("beyond", unit.classList.contains("unmatched")));
      if (!all) matching.slice(SHOWN).forEach((unit) => unit.classList.add("beyond"));
      button.hidden = matching.length <= SHOWN;
      button.textContent = all ? `Show the first ${SHOWN}` : `Show all ${matching.length.toLocaleString("en-US")}`;
    };
    button.addEventListener("click", () => ((all = !all), apply()));
    table.addEventListener("reordered", apply);
    table.showAll = () => all || ((all = true), apply());
    (table.closest(".scroll") ?? table).after(button);
    apply();
  };
  const makeFilter = (table) => {
    if (unitsOf(table).length < 8) return;
    const input = make("input", { type: "search", placeholder: "Filter: name, owner, task, model" });
    input.setAttribute("aria-label", "Filter workloads");
    const found = make("output");
    found.setAttribute("aria-live", "polite");
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      const units = unitsOf(table);
      const matches = (unit) => words.every((word) => unit.textContent.toLowerCase().includes(word));
      units.forEach((unit) => {
        unit.classList.toggle("unmatched", !matches(unit));
        unit.classList.toggle("beyond", unit.classList.contains("unmatched"));
      });
      const count = units.filter((unit) => !unit.classList.contains("unmatched")).length;
      found.textContent = words.length ? `${count.toLocaleString("en-US")} of ${units.length.toLocaleString("en-US")}` : "";
      table.dispatchEvent(new Event("reordered"));
    });
    table.closest(".scroll").before(make("div", { className: "tools" }, input, found));
  };

  // ---- drill-down ----
  const setDrill = (body, open) => {
    const drill = body.querySelector("tr.drill");
    if (!drill) return;
    drill.classList.toggle("open", open);
    drill.querySelector("details").open = open;
    body.querySelector(".toggle").setAttribute("aria-expanded", String(open));
  };
  const isOpen = (body) => body.querySelector("tr.drill")?.classList.contains("open") ?? false;
  const makeDrills = () => {
    for (const body of document.querySelectorAll("tbody.workload")) {
      const drill = body.querySelector("tr.drill");
      if (!drill) continue;
      const heading = body.querySelector("th");
      drill.id = `${body.id}-details`;
      const toggle = make("button", { type: "button", className: "toggle", textContent: "▸" });
      toggle.setAttribute("aria-expanded", "false");
      toggle.setAttribute("aria-controls", drill.id);
      toggle.setAttribute("aria-label", `Details of ${heading.querySelector("bdi").textContent}`);
      heading.prepend(toggle);
      body.rows[0].addEventListener("click", (event) => {
        if (!event.target.closest("a") && !String(getSelection())) setDrill(body, !isOpen(body));
      });
    }
  };
  const followHash = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (!target) return;
    if (target.matches("tbody.workload")) {
      target.closest("table").showAll?.();
      setDrill(target, true);
    }
    if (target.matches("details")) target.open = true;
    target.scrollIntoView();
  };

  // ---- paper: everything open but whole workloads nobody opened, charts as wide as the page ----
  let printing = false;
  let closed = [];
  const beforePrint = () => {
    printing = true;
    closed = [...document.querySelectorAll("details:not([open])")].filter(
      (details) => !details.matches(".each") && !details.closest(".each:not([open])"),
    );
    closed.forEach((details) => (details.open = true));
    drawn.forEach((chart) => {
      chart.resize({ width: 680 }); // A4 less its margins
      chart.getZr().flush();
    });
  };
  const afterPrint = () => {
    printing = false;
    closed.forEach((details) => (details.open = false));
    drawn.forEach((chart) => chart.resize({ width: "auto" }));
  };

  document.querySelectorAll("table.sortable").forEach(makeSortable);
  makeDrills();
  document.querySelectorAll("table.sortable").forEach(limitRows);
  const ranked = document.getElementById("ranked");
  if (ranked) makeFilter(ranked);
  drawCharts();
  addEventListener("beforeprint", beforePrint);
  addEventListener("afterprint", afterPrint);
  addEventListener("hashchange", followHash);
  followHash();
})();
