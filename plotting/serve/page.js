"use strict";
/* global mpl */
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const { words, defaults } = data;
  const $ = (id) => document.getElementById(id);
  const say = (template, parts) => template.replace(/\{(\w+)\}/g, (_all, name) => parts[name]);
  const address = new URLSearchParams(location.search);

  if (address.has("token")) { // the cookie holds it from now on: an address that is shared does not show it
    address.delete("token");
    history.replaceState(null, "", address.size ? `?${address}` : location.pathname);
  }

  // ---- the choices, kept in the address so that it can be shared ------------------------------------------------
  const choice = {
    figure: address.get("figure") || defaults.figure,
    metric: address.get("metric") || "",
    device: address.has("device") ? address.getAll("device") : defaults.device,
    last: address.get("last") || "",
    start: address.get("start") || "",
    end: address.get("end") || "",
    theme: address.get("theme") || defaults.theme,
  };

  function parameters() {
    const found = new URLSearchParams();
    for (const [name, value] of Object.entries(choice)) {
      for (const one of [].concat(value)) if (one) found.append(name, one);
    }
    if (address.get("lang")) found.set("lang", address.get("lang"));
    return found;
  }

  function width() {
    return Math.floor($("picture").clientWidth - 10);
  }

  // ---- the socket and Matplotlib's figure -------------------------------------------------------------------------
  let socket = null;
  let figure = null;
  let session = "";
  let wide = 0;

  function connect() {
    const found = parameters();
    wide = width();
    found.set("width", wide);
    const to = new URL("socket", location.href);
    to.protocol = to.protocol.replace("http", "ws");
    to.search = found;
    to.hash = "";
    socket = new WebSocket(to);
    $("picture").replaceChildren();
    figure = new mpl.figure("picture", socket, save, $("picture"));
    figure.format_dropdown.replaceChildren(...data.formats.map((name) => new Option(name)));
    figure.format_dropdown.setAttribute("aria-label", words.save_as);
    figure.canvas_div.setAttribute("role", "img");
    figure.canvas_div.setAttribute("aria-label", words.chart);
    figure.canvas_div.focus = () => {}; // prevents Matplotlib's script from taking the focus when the page loads
    setTimeout(() => { delete figure.canvas_div.focus; }, 300);
    figure.canvas_div.addEventListener("mousemove", movePointer);
    figure.canvas_div.addEventListener("mouseleave", () => showTip([]));
    figure.handle_session = (_figure, message) => { session = message.id; };
    figure.handle_run = (_figure, message) => showRun(message);
    figure.handle_devices = (_figure, message) => showDevices(message);
    figure.handle_hover = (_figure, message) => showTip(message.lines);
    figure.handle_refused = (_figure, message) => showProblem({ refused: say(words.refused, message) });
    const send = figure.send_message;
    figure.send_message = function (...content) { // Matplotlib's script also sends before the socket is open
      if (this.ws.readyState === WebSocket.OPEN) send.apply(this, content);
    };
    drawInOrder();
    socket.addEventListener("close", () => {
      status("lost", words.lost);
      showTip([]);
      setTimeout(connect, 2000);
    });
  }

  // An image holds the differences to the one before. Matplotlib's script requests the next image when one has been
  // received; if that arrives before the browser has decoded the first one, the first is never drawn and its
  // differences stay missing. So the next image is requested only after the last one was drawn.
  function drawInOrder() {
    const mine = figure;
    const received = mine.updated_canvas_event;
    const request = mine.send_draw_message;
    let decoding = false;
    let requested = false;
    mine.updated_canvas_event = function () {
      decoding = true;
      received.call(this);
    };
    mine.send_draw_message = function () {
      if (decoding) requested = true;
      else request.call(this);
    };
    for (const event of ["load", "error"]) {
      mine.imageObj.addEventListener(event, () => {
        decoding = false;
        if (!requested) return;
        requested = false;
        request.call(mine);
      });
    }
  }

  function choose() {
    const found = parameters();
    history.replaceState(null, "", found.size ? `?${found}` : location.pathname);
    if (socket.readyState !== WebSocket.OPEN) return;
    wide = width();
    found.set("width", wide);
    const lists = {};
    for (const name of new Set(found.keys())) lists[name] = found.getAll(name);
    showProblem({ refused: "" });
    figure.send_message("choose", { parameters: lists });
  }

  function save(_figure, format) {
    const link = document.createElement("a");
    link.href = `save/${session}.${format}`;
    link.download = "";
    link.click();
  }

  // ---- messages of the server -------------------------------------------------------------------------------------
  function status(state, text) {
    $("status").dataset.state = state;
    $("status").textContent = text;
  }

  const problems = { refused: "", unreadable: "" };
  function showProblem(what) {
    Object.assign(problems, what);
    $("problem").textContent = Object.values(problems).filter(Boolean).join(" ");
  }

  function showRun(run) {
    const known = run.newest ? say(words.newest, { time: run.newest }) : words.no_data;
    status("live", `${words.live} – ${known}`);
    showProblem({ unreadable: run.problem ? say(words.unreadable, run) : "" });
    for (const name of ["anomalies", "windows", "letters"]) $(name).textContent = run[name];
    $("dropped").textContent = run.dropped ? say(words.dropped, { count: run.dropped }) : "";
    showMetrics(run.metrics);
    if (!$("find").value) showDevices(run);
    const rows = run.latest.map(([time, device, value, rule, severity, shown]) => row([
      [time], [device], [value, "number"], [rule], [shown, severity === "critical" ? "critical" : ""],
    ]));
    if (rows.length) $("latest").replaceChildren(...rows);
  }

  function row(cells) {
    const line = document.createElement("tr");
    for (const [text, kind] of cells) {
      const cell = line.insertCell();
      cell.textContent = text;
      if (kind) cell.className = kind;
    }
    return line;
  }

  function showMetrics(metrics) {
    const list = choice.figure === "overview" ? [["*", words.all_metrics], ...metrics] : [...metrics];
    const wanted = choice.metric || (choice.figure === "overview" ? "*" : defaults.metric);
    if (!list.some(([name]) => name === wanted)) list.push([wanted, wanted]);
    const select = $("metric");
    if (JSON.stringify([...select.options].map((one) => one.value)) !== JSON.stringify(list.map(([name]) => name))) {
      select.replaceChildren(...list.map(([name, shown]) => new Option(shown, name)));
    }
    select.value = wanted;
  }

  let listed = "";
  function showDevices({ devices, more, find }) {
    if (find !== $("find").value) return; // the answer to an earlier search
    const names = find ? devices : [...new Set([...choice.device, ...devices])];
    const state = JSON.stringify([names, choice.device]);
    $("more").textContent = more ? say(words.more_devices, { count: more }) : "";
    if (state === listed) return;
    listed = state;
    $("names").replaceChildren(...names.map((name) => {
      const line = document.createElement("li");
      const label = line.appendChild(document.createElement("label"));
      const box = label.appendChild(document.createElement("input"));
      box.type = "checkbox";
      box.value = name;
      box.checked = choice.device.includes(name);
      label.appendChild(document.createElement("bdi")).textContent = name;
      return line;
    }));
  }

  let pointer = [0, 0];
  function movePointer(event) {
    pointer = [event.clientX, event.clientY];
    if (!$("tip").hidden) placeTip();
  }

  function placeTip() {
    const tip = $("tip");
    const { width: across, height: up } = tip.getBoundingClientRect();
    const left = pointer[0] + 16 + across > innerWidth ? pointer[0] - 16 - across : pointer[0] + 16;
    const top = pointer[1] + 16 + up > innerHeight ? pointer[1] - 16 - up : pointer[1] + 16;
    tip.style.left = `${Math.max(left, 0)}px`;
    tip.style.top = `${Math.max(top, 0)}px`;
  }

  function showTip(lines) {
    $("tip").hidden = !lines.length;
    $("tip").replaceChildren(...lines.map((text) => {
      const line = document.createElement("div");
      line.textContent = text;
      return line;
    }));
    if (lines.length) placeTip();
  }

  // ---- input of the user --------------------------------------------------------------------------------------------
  function showChoice() {
    document.documentElement.dataset.theme = choice.theme;
    for (const box of document.querySelectorAll("[name=figure]")) box.checked = box.value === choice.figure;
    $("theme").value = choice.theme;
    $("last").value = choice.start || choice.end ? "own" : choice.last;
    $("start").value = choice.start.replace(/Z$/, "");
    $("end").value = choice.end.replace(/Z$/, "");
    for (const field of document.querySelectorAll(".own")) field.hidden = $("last").value !== "own";
    $("chosen").textContent = choice.device.length ? choice.device.join(", ") : words.all_devices;
  }

  function change(what) {
    Object.assign(choice, what);
    showChoice();
    choose();
  }

  $("choice").addEventListener("submit", (event) => event.preventDefault());
  for (const box of document.querySelectorAll("[name=figure]")) {
    box.addEventListener("change", () => change({ figure: box.value, metric: choice.metric === "*" ? "" : choice.metric }));
  }
  $("metric").addEventListener("change", () => change({ metric: $("metric").value }));
  $("theme").addEventListener("change", () => change({ theme: $("theme").value }));
  $("last").addEventListener("change", () => {
    const own = $("last").value === "own";
    for (const field of document.querySelectorAll(".own")) field.hidden = !own;
    if (!own) change({ last: $("last").value, start: "", end: "" });
  });
  for (const name of ["start", "end"]) {
    $(name).addEventListener("change", () => {
      change({ last: "", [name]: $(name).value ? `${$(name).value}Z` : "" });
      $("last").value = "own";
      for (const field of document.querySelectorAll(".own")) field.hidden = false;
    });
  }
  $("names").addEventListener("change", (event) => {
    const others = choice.device.filter((name) => name !== event.target.value);
    change({ device: event.target.checked ? [...others, event.target.value] : others });
  });
  $("everyone").addEventListener("click", () => {
    for (const box of $("names").querySelectorAll("input")) box.checked = false;
    change({ device: [] });
  });
  $("find").addEventListener("input", () => figure.send_message("find", { text: $("find").value }));
  document.addEventListener("click", (event) => {
    if (!$("devices").contains(event.target)) $("devices").open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") $("devices").open = false;
  });

  let waiting = 0;
  addEventListener("resize", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { if (Math.abs(width() - wide) > 8) choose(); }, 300);
  });

  showChoice();
  connect();
})();
