"use strict";
(() => {
  const BINS = 120, LANES = 12, HEIGHT = 24;
  const STEPS_S = [0.001, 0.01, 0.1, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000];
  const DEFAULTS = { q: "", device: "", rule: "", severity: "", from: null, to: null, sort: "time", down: true, page: 1, size: 25, row: null };
  const get = (id) => document.getElementById(id);
  const data = JSON.parse(get("data").textContent);
  const words = data.words, language = document.documentElement.lang, rows = data.rows;
  if (!rows) return;

  // ---- columns -------------------------------------------------------------------------------------------------
  const DICTIONARIES = ["device", "metric", "rule", "severity", "limit"];
  const names = {}, at = {};
  for (const name of DICTIONARIES) {
    names[name] = data[name].names;
    at[name] = Uint32Array.from(data[name].at);
  }
  const time = new Float64Array(rows); // microseconds: whole numbers, below 2 ** 53
  for (let i = 0, sum = 0; i < rows; i++) time[i] = sum += data.time[i];
  const value = Float64Array.from(data.value, (x) => (x === null ? NaN : x));
  data.time = data.value = null;

  const units = new Map(Object.entries(data.units)); // a metric may be called "constructor"
  const integer = new Intl.NumberFormat(language);
  const decimal = new Intl.NumberFormat(language, { maximumSignificantDigits: 6, useGrouping: false });
  const collator = new Intl.Collator(language, { numeric: true });
  const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, key) => (key in values ? values[key] : whole));
  const severityName = (name) => (data.known.includes(name) ? words[name] : name);
  const iso = (us) => {
    const rest = us % 1e6;
    const text = new Date(Math.floor(us / 1e6) * 1e3).toISOString().slice(0, 19).replace("T", " ");
    return rest ? text + "." + String(rest).padStart(6, "0").replace(/0+$/, "") : text;
  };
  const quantity = (i) => {
    const unit = units.get(names.metric[at.metric[i]]);
    return isNaN(value[i]) ? "–" : decimal.format(value[i]) + (unit ? "\u00a0" + unit : "");
  };

  const ranks = (list, compare) => {
    const sorted = list.map((_, i) => i).sort((a, b) => compare(list[a], list[b]));
    const rank = new Float64Array(list.length);
    sorted.forEach((place, i) => { rank[place] = i; });
    return rank;
  };
  const spread = (rank, codes) => Float64Array.from(codes, (code) => rank[code]);
  const keys = { time, value };
  for (const name of ["device", "metric", "rule"]) keys[name] = spread(ranks(names[name], collator.compare), at[name]);
  const grade = (name) => (data.known.includes(name) ? data.known.indexOf(name) : data.known.length);
  keys.severity = spread(ranks(names.severity, (a, b) => grade(a) - grade(b) || collator.compare(a, b)), at.severity);
  keys.limit = spread(data.limit.rank.map((x) => (x === null ? NaN : x)), at.limit);

  // ---- state, kept in the fragment of the address ----------------------------------------------------------------
  let state = { ...DEFAULTS };
  const readMoment = (text) => {
    const ms = Date.parse(text.replace(" ", "T") + "Z");
    return isNaN(ms) ? null : ms * 1000;
  };
  function load() {
    const given = new URLSearchParams(location.hash.slice(1));
    state = { ...DEFAULTS };
    for (const name of ["q", "device", "rule", "severity"]) state[name] = given.get(name) ?? "";
    for (const name of ["device", "rule", "severity"]) if (!names[name].includes(state[name])) state[name] = "";
    for (const name of ["from", "to"]) state[name] = given.has(name) ? readMoment(given.get(name)) : null;
    const sort = given.get("sort") ?? "-time";
    if (Object.hasOwn(keys, sort.replace(/^-/, ""))) [state.sort, state.down] = [sort.replace(/^-/, ""), sort.startsWith("-")];
    const whole = (name, otherwise) => (/^\d{1,9}$/.test(given.get(name) ?? "") ? Number(given.get(name)) : otherwise);
    state.page = whole("page", 1);
    state.size = [25, 50, 100, 500].includes(whole("size", 25)) ? whole("size", 25) : 25;
    state.row = whole("row", null);
    if (state.row !== null && state.row >= rows) state.row = null;
  }
  function save() {
    const out = new URLSearchParams();
    for (const name of ["q", "device", "rule", "severity"]) if (state[name]) out.set(name, state[name]);
    for (const name of ["from", "to"]) if (state[name] !== null) out.set(name, iso(state[name]).replace(" ", "T"));
    if (state.sort !== "time" || !state.down) out.set("sort", (state.down ? "-" : "") + state.sort);
    if (state.page !== 1) out.set("page", state.page);
    if (state.size !== 25) out.set("size", state.size);
    if (state.row !== null) out.set("row", state.row);
    try {
      history.replaceState(null, "", "#" + out);
    } catch (error) {
      if (error.name !== "SecurityError") throw error; // a preview whose address cannot be changed
    }
  }

  // ---- sorting and filtering ---------------------------------------------------------------------------------------
  const order = new Uint32Array(rows), view = new Uint32Array(rows);
  let matches = 0, sortedBy = "";
  function sort() {
    const wanted = state.sort + state.down;
    if (wanted === sortedBy) return;
    sortedBy = wanted;
    for (let i = 0; i < rows; i++) order[i] = i;
    const key = keys[state.sort];
    if (state.sort === "time") { if (state.down) order.reverse(); return; } // rows are sorted by time
    const sign = state.down ? -1 : 1;
    order.sort((a, b) => {
      const x = key[a], y = key[b];
      if (x !== x || y !== y) return (x !== x) - (y !== y) || a - b; // rows without a value come last
      return sign * (x - y) || sign * (a - b);
    });
  }

  const whole = time[rows - 1] - time[0] < BINS * 1e6 ? 1e3 : 1e6; // periods are whole milliseconds or seconds
  const binStart = Math.floor(time[0] / whole) * whole;
  const binWidth = Math.ceil((time[rows - 1] - binStart + 1) / BINS / whole) * whole;
  const binOf = Uint16Array.from(time, (us) => Math.min(BINS - 1, Math.floor((us - binStart) / binWidth)));
  const counts = new Uint32Array(names.device.length);
  for (let i = 0; i < rows; i++) counts[at.device[i]]++;
  const laneDevices = [...counts.keys()].sort((a, b) => counts[b] - counts[a]).slice(0, LANES)
    .sort((a, b) => collator.compare(names.device[a], names.device[b]));
  const laneOf = new Int32Array(names.device.length).fill(-1);
  laneDevices.forEach((device, lane) => { laneOf[device] = lane; });
  const bins = laneDevices.map(() => new Uint32Array(BINS));

  function filter() {
    const terms = state.q.toLocaleLowerCase(language).split(/\s+/).filter(Boolean).map((term) => DICTIONARIES.map((name) => Uint8Array.from(names[name],
      (text) => text.toLocaleLowerCase(language).includes(term) || (name === "severity" && severityName(text).toLocaleLowerCase(language).includes(term)))));
    const code = (name) => (state[name] ? names[name].indexOf(state[name]) : -1);
    const device = code("device"), rule = code("rule"), severity = code("severity");
    const from = state.from ?? -Infinity, to = state.to ?? Infinity;
    const codes = DICTIONARIES.map((name) => at[name]);
    bins.forEach((lane) => lane.fill(0));
    matches = 0;
    for (let n = 0; n < rows; n++) {
      const i = order[n];
      if ((rule >= 0 && at.rule[i] !== rule) || (severity >= 0 && at.severity[i] !== severity)) continue;
      if (terms.length && !terms.every((hits) => hits.some((hit, d) => hit[codes[d][i]]))) continue;
      const lane = laneOf[at.device[i]];
      if (lane >= 0) bins[lane][binOf[i]]++;
      if ((device < 0 || at.device[i] === device) && time[i] >= from && time[i] < to) view[matches++] = i;
    }
  }

  // ---- the page -----------------------------------------------------------------------------------------------------
  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const short = (text) => (text.length > 60 ? text.slice(0, 60) + "…" : text);
  const isolated = (text) => make("bdi", { textContent: text });
  const SVG = "http://www.w3.org/2000/svg";
  const shape = (tag, attributes) => {
    const element = document.createElementNS(SVG, tag);
    for (const [name, content] of Object.entries(attributes)) element.setAttribute(name, content);
    return element;
  };

  function options(name, label) {
    const list = [...names[name].keys()].sort((a, b) => keysOf[name](a, b));
    get(name).append(make("option", { value: "", textContent: words["all_" + name] }));
    for (const place of list) {
      const text = label(names[name][place]);
      get(name).append(make("option", { value: names[name][place], textContent: short(text) }));
    }
  }
  const alphabetic = (name) => (a, b) => collator.compare(names[name][a], names[name][b]);
  const keysOf = { device: alphabetic("device"), rule: alphabetic("rule"), severity: (a, b) => grade(names.severity[b]) - grade(names.severity[a]) };

  const lanes = laneDevices.map((device, number) => {
    const name = names.device[device];
    const button = make("button", { type: "button", title: name }, isolated(name));
    button.addEventListener("click", () => change({ device: state.device === name ? "" : name }));
    const svg = shape("svg", { viewBox: `0 0 ${BINS} ${HEIGHT}`, preserveAspectRatio: "none", tabindex: "0", role: "slider", "aria-valuemin": 1, "aria-valuemax": BINS, "aria-valuenow": 1 });
    const parts = {
      span: shape("rect", { class: "span", y: 0, height: HEIGHT }), bars: shape("path", { class: "bars" }),
      cursor: shape("rect", { class: "cursor", y: 0, height: HEIGHT, width: 1, visibility: "hidden" }),
      marker: shape("line", { class: "marker", y1: 0, y2: HEIGHT, visibility: "hidden" }),
    };
    svg.append(parts.span, parts.bars, parts.cursor, parts.marker);
    let cursor = -1;
    const choose = (bin) => {
      const wanted = { device: name, from: binStart + bin * binWidth, to: binStart + (bin + 1) * binWidth };
      const chosen = Object.entries(wanted).every(([key, content]) => state[key] === content); // a second click undoes the choice
      change(chosen ? { device: "", from: null, to: null } : wanted);
    };
    const nearest = (x) => { // bars are a few pixels wide: the nearest one with anomalies is chosen
      const place = Math.max(0, Math.min(BINS - 1, Math.floor((x / svg.clientWidth) * BINS)));
      for (let d = 0; d < 4; d++) for (const bin of [place - d, place + d]) if (bins[number][bin]) return bin;
      return place;
    };
    const say = (bin) => {
      const [start, end] = [iso(binStart + bin * binWidth), iso(binStart + (bin + 1) * binWidth)];
      const text = fill(words.period, { start, end, count: integer.format(bins[number][bin]) });
      svg.setAttribute("aria-valuenow", bin + 1);
      svg.setAttribute("aria-valuetext", text);
      get("detail").replaceChildren(isolated(short(name)), " · " + text);
    };
    svg.addEventListener("click", (event) => choose(nearest(event.offsetX)));
    svg.addEventListener("pointermove", (event) => say(nearest(event.offsetX)));
    svg.addEventListener("pointerleave", describe);
    svg.addEventListener("blur", () => { parts.cursor.setAttribute("visibility", "hidden"); describe(); });
    svg.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (step) {
        let next = cursor < 0 && step < 0 ? BINS - 1 : cursor + step;
        while (next >= 0 && next < BINS && !bins[number][next]) next += step;
        if (next >= 0 && next < BINS) cursor = next;
        if (cursor < 0) return;
        parts.cursor.setAttribute("x", cursor);
        parts.cursor.setAttribute("visibility", "visible");
        say(cursor);
      } else if ((event.key === "Enter" || event.key === " ") && cursor >= 0) choose(cursor);
      else return;
      event.preventDefault();
    });
    const element = make("div", { className: "lane" }, button, svg);
    return { element, button, svg, name, device, ...parts };
  });

  function drawLanes() {
    const most = Math.max(1, ...bins.map((lane) => Math.max(...lane)));
    lanes.forEach((lane, number) => {
      let path = "", total = 0;
      bins[number].forEach((count, bin) => {
        if (!count) return;
        total += count;
        const high = 5 + (HEIGHT - 6) * (Math.log1p(count) / Math.log1p(most)); // logarithmic: one anomaly stays visible beside a thousand
        path += `M${bin} ${HEIGHT}v${-high.toFixed(1)}h1V${HEIGHT}z`;
      });
      lane.bars.setAttribute("d", path);
      lane.svg.setAttribute("aria-label", fill(words.lane, { device: lane.name, count: integer.format(total) }));
      lane.button.setAttribute("aria-pressed", String(state.device === lane.name));
      lane.element.classList.toggle("off", state.device !== "" && state.device !== lane.name);
      const start = Math.max(0, ((state.from ?? binStart) - binStart) / binWidth), end = Math.min(BINS, ((state.to ?? Infinity) - binStart) / binWidth);
      const spans = (state.from !== null || state.to !== null) && end > start;
      lane.span.setAttribute("x", start);
      lane.span.setAttribute("width", spans ? end - start : 0);
      const here = state.row !== null && at.device[state.row] === lane.device;
      lane.marker.setAttribute("visibility", here ? "visible" : "hidden");
      if (here) for (const x of ["x1", "x2"]) lane.marker.setAttribute(x, (time[state.row] - binStart) / binWidth);
    });
    describe();
  }

  function describe() {
    const row = state.row;
    const text = row === null ? "" : fill(words.selected, { device: "\u2068" + short(names.device[at.device[row]]) + "\u2069", time: iso(time[row]), value: quantity(row), limit: names.limit[at.limit[row]] });
    get("detail").textContent = text;
  }

  function drawAxis() {
    const range = binWidth * BINS;
    const step = 1000 * (STEPS_S.find((seconds) => range / 1e6 / seconds <= 6) * 1000 || Math.ceil(range / 1000 / 6 / 864e5) * 864e5);
    const format = { day: "numeric", month: "short", timeZone: "UTC", hourCycle: "h23" };
    if (step < 864e8) Object.assign(format, { hour: "2-digit", minute: "2-digit" });
    if (step < 6e7) format.second = "2-digit";
    if (step > 30 * 864e8) format.year = "numeric";
    const written = new Intl.DateTimeFormat(language, format);
    for (let tick = Math.ceil(binStart / step) * step; tick < binStart + range * 0.93; tick += step) {
      const mark = make("span", { textContent: written.format(tick / 1000) });
      mark.style.left = `${((tick - binStart) / range) * 100}%`;
      get("axis").append(mark);
    }
  }

  function drawRows() {
    const pages = Math.max(1, Math.ceil(matches / state.size));
    state.page = Math.max(1, Math.min(pages, state.page));
    const shown = view.subarray((state.page - 1) * state.size, Math.min(matches, state.page * state.size));
    const fragment = document.createDocumentFragment();
    for (const i of shown) {
      const device = names.device[at.device[i]], severity = names.severity[at.severity[i]];
      const row = make("tr");
      row.dataset.row = i;
      if (i === state.row) row.setAttribute("aria-current", "true");
      const show = make("button", { type: "button", textContent: iso(time[i]), title: words.show });
      const only = make("button", { type: "button", title: fill(words.only, { name: device }) }, isolated(device));
      only.dataset.device = at.device[i];
      row.append(
        make("td", {}, show), make("td", {}, only), make("td", {}, isolated(names.metric[at.metric[i]])),
        make("td", { className: "number", textContent: quantity(i), title: isNaN(value[i]) ? "" : String(value[i]) }),
        make("td", {}, isolated(names.limit[at.limit[i]])), make("td", {}, isolated(names.rule[at.rule[i]])),
        make("td", { className: severity === "critical" ? "critical" : "" }, isolated(severityName(severity))));
      fragment.append(row);
    }
    if (!matches) fragment.append(make("tr", {}, make("td", { colSpan: 7, textContent: words.none })));
    get("body").replaceChildren(fragment);
    get("count").textContent = fill(words.count, { count: integer.format(matches), total: integer.format(rows) });
    get("page").textContent = fill(words.page, { page: integer.format(state.page), pages: integer.format(pages) });
    for (const button of document.querySelectorAll("[data-page]")) {
      button.disabled = ["first", "previous"].includes(button.dataset.page) ? state.page === 1 : state.page === pages;
    }
    for (const button of document.querySelectorAll("[data-sort]")) {
      button.parentElement.setAttribute("aria-sort", button.dataset.sort !== state.sort ? "none" : state.down ? "descending" : "ascending");
    }
  }

  function fields() { // a time field that is being edited is not overwritten: its value is empty until it is complete
    for (const name of ["q", "device", "rule", "severity"]) if (get(name).value !== state[name]) get(name).value = state[name];
    for (const name of ["from", "to"]) if (get(name) !== document.activeElement) get(name).value = state[name] === null ? "" : new Date(state[name] / 1000).toISOString().slice(0, -1).replace(/\.000$/, "");
    get("size").value = String(state.size);
  }

  function draw() { sort(); filter(); drawRows(); drawLanes(); }
  function change(what) {
    const turns = Object.keys(what).every((name) => ["page", "row"].includes(name));
    state = { ...state, ...(turns ? {} : { page: 1 }), ...what };
    fields();
    if (turns) { drawRows(); drawLanes(); } else draw();
    save();
  }

  // ---- input of the user ----------------------------------------------------------------------------------------------
  for (const name of ["device", "rule", "severity"]) get(name).addEventListener("change", (event) => change({ [name]: event.target.value }));
  let waiting = 0;
  get("q").addEventListener("input", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(() => change({ q: get("q").value }));
  });
  for (const name of ["from", "to"]) get(name).addEventListener("change", (event) => change({ [name]: event.target.value ? readMoment(event.target.value) : null }));
  get("size").addEventListener("change", (event) => change({ size: Number(event.target.value), page: 1 }));
  get("filters").addEventListener("submit", (event) => event.preventDefault());
  get("filters").addEventListener("reset", (event) => {
    event.preventDefault();
    change({ q: "", device: "", rule: "", severity: "", from: null, to: null, row: null });
  });
  get("table").tHead.addEventListener("click", (event) => {
    const name = event.target.closest("button")?.dataset.sort;
    if (name) change({ sort: name, down: state.sort === name ? !state.down : ["time", "severity"].includes(name) });
  });
  for (const button of document.querySelectorAll("[data-page]")) {
    const pages = () => Math.max(1, Math.ceil(matches / state.size));
    const goal = { first: () => 1, previous: () => state.page - 1, next: () => state.page + 1, last: pages }[button.dataset.page];
    button.addEventListener("click", () => change({ page: goal() }));
  }
  get("body").addEventListener("click", (event) => {
    const only = event.target.closest("[data-device]"), row = event.target.closest("[data-row]");
    if (only) change({ device: names.device[Number(only.dataset.device)] });
    else if (row && !String(getSelection())) {
      const number = Number(row.dataset.row), focused = event.target.closest("button");
      change({ row: state.row === number ? null : number });
      if (focused) get("body").querySelector(`[data-row="${number}"] button`)?.focus();
      if (state.row !== null) reveal(lanes.find((lane) => lane.device === at.device[number])?.element);
    }
  });
  for (const button of document.querySelectorAll("[data-filter]")) {
    button.addEventListener("click", () => {
      change({ [button.dataset.filter]: names[button.dataset.filter].find((name) => shown(name) === button.dataset.name) ?? "" });
      reveal(get("filters"));
    });
  }
  const shown = (name) => name.replace(/[\u0000-\u001f\u007f-\u009f]/g, "\ufffd"); // as in the HTML of the page
  const reveal = (element) => element?.scrollIntoView({ block: "nearest", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
  addEventListener("hashchange", () => {
    if (get(location.hash.slice(1))?.tagName === "H2") return; // a link to a heading changes no filter
    load(); fields(); draw();
  });

  load();
  options("device", (name) => name);
  options("rule", (name) => name);
  options("severity", severityName);
  get("lanes").append(...lanes.map((lane) => lane.element));
  if (names.device.length > LANES) get("more").textContent = fill(words.timeline_more, { count: integer.format(names.device.length - LANES) });
  drawAxis();
  get("timeline").classList.toggle("low", lanes.length <= 6);
  fields();
  get("app").hidden = false;
  draw();
})();
