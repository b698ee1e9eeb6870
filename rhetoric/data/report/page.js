"use strict";
(() => {
  // Every string that came from the data enters the page as a text node or a property, never as markup.
  const D = JSON.parse(document.getElementById("data").textContent);
  const S = D.stances.length, P = D.periods.length, A = D.actors.length, N = D.keys.length;
  const NOT_STATED = 0, PRONOUN = 1, OTHERS = 2, FIRST_NAMED = 3;
  const COLOURS = ["#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"];
  const DASHES = [[], [9, 4], [2, 4], [12, 4, 2, 4]];
  const BORDERS = ["solid", "dashed", "dotted", "double"];
  const WHOLE = D.level === "document";
  const UNDATED = P - 1, HAS_UNDATED = D.documents[UNDATED] > 0, LAST = Math.max(0, P - 2);
  const byId = (id) => document.getElementById(id);
  const colour = (s) => COLOURS[s % COLOURS.length];
  const figure = (n) => n.toLocaleString("en");
  const percent = (n, of) => (of ? (100 * n / of).toFixed(1) + " %" : "–");
  const plural = (n, one, many) => `${figure(n)} ${n === 1 ? one : many}`;

  function el(tag, properties, ...children) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(properties || {})) {
      if (name === "style") Object.assign(made.style, value);
      else if (name.includes("-") || name === "scope" || name === "role" || name === "colspan") made.setAttribute(name, value);
      else made[name] = value;
    }
    made.append(...children.filter((child) => child !== null && child !== undefined));
    return made;
  }
  const fill = (parent, ...children) => parent.replaceChildren(...children.filter((child) => child !== null));

  // ---- cells: stance, period, speaker, target -> count. Stances from S on are those in doubt.
  const cell = { s: new Uint16Array(N), p: new Uint16Array(N), a: new Uint16Array(N), b: new Uint16Array(N) };
  for (let i = 0, key = 0; i < N; i++) {
    key += D.keys[i];
    let rest = key;
    cell.b[i] = rest % A; rest = Math.floor(rest / A);
    cell.a[i] = rest % A; rest = Math.floor(rest / A);
    cell.p[i] = rest % P; cell.s[i] = Math.floor(rest / P);
  }
  const count = D.counts;

  // ---- the sentences, unpacked when they are first asked for
  let unpacked = null;
  function sentences() {
    unpacked ??= (async () => {
      await new Promise((resolve) => setTimeout(resolve)); // the charts are painted first
      const bytes = Uint8Array.from(atob(byId("sentences").textContent.trim()), (c) => c.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
      const data = JSON.parse(await new Response(stream).text());
      const first = new Uint32Array(N + 1);
      let at = 0;
      for (const item of data.items) { item[0] = at += item[0]; first[at + 1]++; }
      for (let i = 0; i < N; i++) first[i + 1] += first[i];
      return { ...data, first };
    })();
    return unpacked;
  }

  // ---- filters
  const state = { from: 0, to: LAST, actor: -1, off: new Set() };
  const codesOf = (actor) => D.actors[actor][1];
  let chosen = null; // for each actor whether the filter takes it; null takes all
  const everyPeriod = () => state.from === 0 && state.to === LAST;
  const inTime = (p) => (p === UNDATED ? everyPeriod() : p >= state.from && p <= state.to);
  function passes(i) {
    const s = cell.s[i];
    if (!inTime(cell.p[i]) || state.off.has(s % S)) return false;
    return s >= S || chosen === null || chosen[cell.a[i]] || chosen[cell.b[i]];
  }
  function matchesOf(actor) {
    const codes = codesOf(actor);
    return D.actors.map((other, i) => i === actor || (codes.length === 1 && other[1].includes(codes[0])));
  }
  function total(wanted) {
    let sum = 0;
    for (let i = 0; i < N; i++) if (passes(i) && wanted(i)) sum += count[i];
    return sum;
  }

  const frequency = new Float64Array(A);
  for (let i = 0; i < N; i++) {
    if (cell.s[i] >= S) continue;
    frequency[cell.a[i]] += count[i];
    if (cell.b[i] !== cell.a[i]) frequency[cell.b[i]] += count[i];
  }
  const named = [...D.actors.keys()].filter((i) => i >= FIRST_NAMED).sort((x, y) => frequency[y] - frequency[x]);
  const nameOf = (actor) => D.actors[actor][0];
  const option = (value, text) => el("option", { value: String(value), textContent: text });

  // ---- the sentences behind a number
  function number(n, what, wanted) {
    return n === 0 ? "0" : el("button", {
      type: "button", className: "number", textContent: figure(n), "aria-label": `${figure(n)} ${what}: open`,
      onclick: () => open(what, wanted, n),
    });
  }

  async function matching(wanted) {
    const { items, first } = await sentences();
    const found = [];
    for (let i = 0; i < N; i++) {
      if (first[i] !== first[i + 1] && passes(i) && wanted(i)) {
        for (let at = first[i]; at < first[i + 1]; at++) found.push(items[at]);
      }
    }
    return found.sort((x, y) => (x[4] === 0) - (y[4] === 0) || y[2] - x[2]);
  }

  function told(found, n, shown) {
    const sum = (items) => items.reduce((all, item) => all + item[3], 0);
    const kept = sum(found.filter((item) => item[4] !== 0)), places = sum(found) - kept;
    const things = WHOLE ? "sentences, in documents" : "sentences";
    const rest = n > kept ? ` This page keeps the most probable; the other ${figure(n - kept)} are in ${D.table}` +
      `${places ? `, ${figure(places)} of them listed below by place` : ""}.` : "";
    const visible = shown < found.length ? ` (the first ${figure(shown)} of them below)` : "";
    return `Showing ${figure(kept)} of ${figure(n)} ${things}, most probable first${visible}.${rest}`;
  }

  async function list(parent, wanted, n, step) {
    const data = await sentences();
    const found = await matching(wanted);
    const note = el("p", { className: "quiet" });
    const all = el("ol", { className: "sentences" });
    const more = el("button", { type: "button" });
    let shown = 0;
    const grow = () => {
      const next = found.slice(shown, shown + step).map((item) => entry(data, item));
      all.append(...next);
      if (shown && next.length) { next[0].tabIndex = -1; next[0].focus(); }
      shown += next.length;
      note.textContent = told(found, n, shown);
      more.textContent = `Show ${Math.min(step, found.length - shown)} more`;
      more.hidden = shown >= found.length;
    };
    more.onclick = grow;
    grow();
    fill(parent, note, all, more);
  }

  function entry(data, [at, of, probability, weight, claim]) {
    const [text, document_, start, end, date] = data.texts[of];
    const s = cell.s[at] % S, doubt = cell.s[at] >= S;
    const [speaker, target, evidence] = claim || [null, null, []];
    const words = [];
    for (let i = 0; i < evidence.length; i += 2) words.push(text.slice(evidence[i], evidence[i + 1]));
    const roles = [["who", speaker], ["against or to", target]].filter(([, role]) => role);
    const facts = [
      `${D.stances[s].label} ${probability > 9950 ? "over 0.99" : (probability / 10000).toFixed(2)}${doubt ? ", in doubt" : ""}`,
      ...roles.map(([name, role]) => `${name}: ${role[0]}${role[3] ? ` (${role[3].split(" ").join(", ")})` : ""}`),
      ...(words.length ? [`words: ${words.join(" | ")}`] : []),
      ...(WHOLE ? [plural(weight, "sentence", "sentences")] : []),
    ];
    const [id, template] = data.documents[document_];
    const place = WHOLE ? id : `${id}, characters ${start}–${end}`;
    let where = el("bdi", { textContent: place });
    if (template) {
      const fragment = encodeURIComponent(text.split(/\s+/).slice(0, 8).join(" ")).replaceAll("-", "%2D");
      const href = template.replaceAll("{start}", start).replaceAll("{end}", end).replaceAll("{words}", fragment);
      where = el("a", { href, rel: "noreferrer noopener", target: "_blank" }, where);
    }
    return el("li", { style: { borderColor: colour(s), borderLeftStyle: doubt ? "dashed" : "solid" } },
      claim === 0 && !WHOLE ? el("p", { className: "told", textContent: "Text left out of this page for its size." }) :
      text ? el("p", { className: "sentence" }, el("bdi", {}, ...highlighted(text, speaker, target, evidence))) : null,
      el("p", { className: "told" }, el("bdi", { textContent: facts.join(" · ") })),
      el("p", { className: "told" }, data.dates[date] ? `${data.dates[date]} · ` : "", where));
  }

  function highlighted(text, speaker, target, evidence) {
    const spans = [];
    if (speaker && speaker[1] >= 0) spans.push([speaker[1], speaker[2], "speaker"]);
    if (target && target[1] >= 0) spans.push([target[1], target[2], "target"]);
    for (let i = 0; i < evidence.length; i += 2) spans.push([evidence[i], evidence[i + 1], "mark"]);
    const cuts = [...new Set([0, text.length, ...spans.flatMap(([begin, end]) => [begin, end])])].sort((x, y) => x - y);
    return cuts.slice(1).map((end, i) => {
      const begin = cuts[i];
      const kinds = spans.filter((span) => span[0] <= begin && end <= span[1]).map((span) => span[2]);
      const piece = text.slice(begin, end);
      if (!kinds.length) return piece;
      return el(kinds.includes("mark") ? "mark" : "span",
        { className: kinds.filter((kind) => kind !== "mark").join(" ") }, piece);
    });
  }

  const dialog = byId("behind");
  async function open(what, wanted, n) {
    byId("behind-title").textContent = `${figure(n)} ${what}`;
    fill(byId("behind-list"), el("p", { textContent: "Unpacking …" }));
    dialog.showModal();
    await list(byId("behind-list"), wanted, n, 30);
    byId("behind-list").scrollTop = 0;
  }
  function openRows(what, heads, rows, n) {
    byId("behind-title").textContent = `${figure(n)} ${what}`;
    const note = el("p", { className: "quiet", textContent: `Showing ${figure(rows.length)} of ${figure(n)}.` });
    fill(byId("behind-list"), note, table(null, heads, rows.map((row) => row.map((value) => String(value ?? "–")))));
    dialog.showModal();
    byId("behind-list").scrollTop = 0;
  }
  byId("close").onclick = () => dialog.close();
  dialog.onclick = (event) => { if (event.target === dialog) dialog.close(); };

  // ---- tables
  function table(caption, heads, rows) {
    const cells = (row) => row.map((value, i) => {
      const made = i ? el("td", {}) : el("th", { scope: "row" });
      if (value instanceof Node) made.append(value);
      else { made.append(el("bdi", { textContent: value })); if (i && !/^[\d.,% –]*$/.test(value)) made.className = "text"; }
      return made;
    });
    return el("table", {}, caption ? el("caption", {}, el("span", { textContent: caption })) : null,
      el("thead", {}, el("tr", {}, ...heads.map((head, i) => el("th", { scope: "col", className: i ? "" : "text" }, head)))),
      el("tbody", {}, ...rows.map((row) => el("tr", {}, ...cells(row)))));
  }

  // ---- charts
  const STEPS = { day: [1, 2, 7, 14, 28], month: [1, 2, 3, 6, 12, 24, 60, 120, 240], quarter: [1, 2, 4, 8, 20, 40, 80, 160],
    year: [1, 2, 5, 10, 20, 50, 100, 200], all: [1] };
  const aligned = { // the place of the first period on the grid of the calendar
    day: () => 0,
    month: (label) => Number(label.slice(0, 4)) * 12 + Number(label.slice(5, 7)) - 1,
    quarter: (label) => Number(label.slice(0, 4)) * 4 + Number(label.slice(6)) - 1,
    year: (label) => Number(label),
    all: () => 0,
  }[D.unit](D.periods[0]);
  const perYear = { day: Infinity, month: 12, quarter: 4, year: 1, all: Infinity }[D.unit];
  const PERIOD = D.unit === "all" ? "period" : D.unit;

  function splits(width) {
    const periods = state.to - state.from + 1;
    const step = STEPS[D.unit].find((size) => periods / size <= Math.max(2, width / 80)) || STEPS[D.unit].at(-1);
    const places = [];
    for (let i = state.from; i <= state.to; i++) if ((i + aligned) % step === 0) places.push(i);
    const shown = places.length ? places : [state.from];
    return { places: shown, labels: shown.map((i) => (step >= perYear ? D.periods[i].slice(0, 4) : D.periods[i])) };
  }

  const charts = new Map();
  function draw(id, height, series, pick, hover) {
    charts.get(id)?.destroy();
    const parent = byId(id);
    const width = Math.max(200, parent.clientWidth);
    const xs = [];
    for (let i = state.from; i <= state.to; i++) xs.push(i);
    const { places, labels } = splits(width - 60);
    const grid = { stroke: "#e4e4e0", width: 1 };
    const font = "12px system-ui, sans-serif";
    const chart = new uPlot({
      width, height,
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, sync: { key: "time" }, y: false },
      scales: {
        x: { time: false, range: () => [state.from - 0.6, state.to + 0.6] },
        y: { range: (u, low, high) => [0, Math.max(high || 0, 1) * 1.08] },
      },
      axes: [
        { splits: () => places, values: () => labels, grid, ticks: grid, font, stroke: "#444" },
        { size: 56, space: height < 150 ? 18 : 32, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6],
          values: (u, values) => values.map(figure), grid, ticks: grid, font, stroke: "#444" },
      ],
      series: [{}, ...series.map((one) => ({
        label: one.label, stroke: one.colour, fill: one.bars ? "#9a9a9a" : undefined, width: one.bars ? 0 : xs.length > 80 ? 1.5 : 2, dash: one.dash,
        paths: one.bars ? uPlot.paths.bars({ size: [0.8, 60] }) : undefined,
        points: { show: !one.bars && xs.length <= 40, size: 6, fill: one.colour },
      }))],
      hooks: { setCursor: [(u) => hover?.(u.cursor.idx === null || u.cursor.idx === undefined ? null : u.cursor.idx + state.from)] },
    }, [xs, ...series.map((one) => xs.map((i) => one.values[i]))], parent);
    chart.over.addEventListener("click", (event) => {
      const at = chart.cursor.idx;
      if (at === null || at === undefined || !pick) return;
      const y = event.clientY - chart.over.getBoundingClientRect().top;
      let best = 0, distance = Infinity;
      series.forEach((one, i) => {
        const away = Math.abs(chart.valToPos(one.values[at + state.from], "y") - y);
        if (away < distance) { distance = away; best = i; }
      });
      pick(best, at + state.from);
    });
    charts.set(id, chart);
  }

  function swatch(s) {
    return el("span", { className: "swatch", style: { borderTopColor: colour(s), borderTopStyle: BORDERS[s % 4] } });
  }
  const shownStances = () => [...D.stances.keys()].filter((s) => !state.off.has(s));
  const inPeriod = (p) => (p === UNDATED ? "without a date" : `in ${D.periods[p]}`);

  // ---- sections
  function sums() {
    const time = Array.from({ length: 2 * S }, () => new Float64Array(P));
    const pairs = Array.from({ length: S }, () => new Map());
    for (let i = 0; i < N; i++) {
      if (!passes(i)) continue;
      time[cell.s[i]][cell.p[i]] += count[i];
      if (cell.s[i] < S) {
        const key = cell.a[i] * A + cell.b[i];
        pairs[cell.s[i]].set(key, (pairs[cell.s[i]].get(key) || 0) + count[i]);
      }
    }
    return { time, pairs };
  }
  const over = (values) => values.reduce((sum, n, p) => (inTime(p) ? sum + n : sum), 0);

  function glance(now) {
    const documents = over(D.documents), read = over(D.sentences);
    const tile = (value, name, s) => el("li", {}, el("span", { className: "value" }, value),
      el("span", { className: "name" }, s === undefined ? null : swatch(s), s === undefined ? name : ` ${name}`));
    const doubt = now.time.slice(S).reduce((sum, values) => sum + over(values), 0);
    fill(byId("tiles"),
      tile(figure(documents), documents === 1 ? "document" : "documents"),
      tile(figure(read), D.onlyStances ? "sentences in the table (those with a stance only)" : "sentences read"),
      ...shownStances().map((s) => tile(number(over(now.time[s]), D.stances[s].label, (i) => cell.s[i] === s), D.stances[s].label, s)),
      tile(number(doubt, "in doubt", (i) => cell.s[i] >= S), WHOLE ? "in doubt" : `in doubt: ${percent(doubt, read)} of sentences`),
      tile(D.duplicates.documents ? el("button", { type: "button", className: "number", textContent: figure(D.duplicates.documents),
        "aria-label": `${figure(D.duplicates.documents)} repeated documents: open`, onclick: openDuplicates }) : "0",
      "repeated documents, left out"),
      tile(D.rejected.count ? el("button", { type: "button", className: "number", textContent: figure(D.rejected.count),
        "aria-label": `${figure(D.rejected.count)} rejected records: open`, onclick: openRejected }) : "0", "rejected records"));
    const who = state.actor < 0 ? "" : `, by or about ${nameOf(state.actor)}`;
    const claims = shownStances().reduce((sum, s) => sum + over(now.time[s]), 0);
    const range = D.unit === "all" ? "" : `, ${D.periods[state.from]} to ${D.periods[state.to]}`;
    byId("status").textContent =
      `${plural(claims, "stance", "stances")} in ${plural(documents, "document", "documents")}${range}${who}` +
      `${HAS_UNDATED ? (everyPeriod() ? ", those without a date included" : ", those without a date left out") : ""}.`;
  }
  const openDuplicates = () =>
    openRows("repeated documents", ["Document", "repeats"], D.duplicates.examples, D.duplicates.documents);
  const openRejected = () =>
    openRows("rejected records", ["File", "Line", "Reason"], D.rejected.examples, D.rejected.count);

  function overTime(now) {
    const rate = document.querySelector("input[name=measure]:checked").value === "rate";
    const shown = shownStances();
    const value = (s, p) => (rate ? (D.documents[p] ? 100 * now.time[s][p] / D.documents[p] : 0) : now.time[s][p]);
    const values = shown.map((s) => D.periods.map((_, p) => value(s, p)));
    const text = (n) => (rate ? n.toFixed(1) : figure(n));
    const spans = shown.map((s) => el("span", {}, swatch(s), el("span", { textContent: D.stances[s].label })));
    const volume = el("span", { textContent: "" });
    fill(byId("time-legend"), ...spans, volume);
    const hover = (p) => {
      shown.forEach((s, k) => { spans[k].lastChild.textContent = D.stances[s].label + (p === null ? "" : ` ${text(values[k][p])}`); });
      volume.textContent = p === null ? "" : `${D.periods[p]}: ${plural(D.documents[p], "document", "documents")}`;
    };
    const pick = (k, p) => {
      const s = shown[k];
      open(`${D.stances[s].label}, ${D.periods[p]}`, (i) => cell.s[i] === s && cell.p[i] === p, now.time[s][p]);
    };
    byId("time-caption").textContent =
      `${rate ? "Sentences with each stance per 100 documents" : "Sentences with each stance"}, by ${PERIOD}; ` +
      "below, the number of documents read. A click on a line opens its sentences." +
      (HAS_UNDATED ? ` ${plural(D.documents[UNDATED], "document", "documents")} without a date: not drawn, but in the table.` : "");
    draw("time-chart", 260, shown.map((s, k) => ({
      label: D.stances[s].label, colour: colour(s), dash: DASHES[s % 4], values: values[k] })), pick, hover);
    draw("volume-chart", 110, [{ label: "documents", colour: "#9a9a9a", bars: true, values: D.documents }], null, hover);
    const details = byId("time-table");
    const make = () => {
      const rows = [];
      for (let p = 0; p < P; p++) {
        if (!inTime(p) || (p === UNDATED && !HAS_UNDATED)) continue;
        rows.push([D.periods[p], figure(D.documents[p]), ...shown.flatMap((s) => {
          const n = now.time[s][p];
          const button = number(n, `${D.stances[s].label} ${inPeriod(p)}`, (i) => cell.s[i] === s && cell.p[i] === p);
          return rate ? [button, text(value(s, p))] : [button];
        })]);
      }
      const heads = shown.flatMap((s) => (rate ? [D.stances[s].label, "per 100 documents"] : [D.stances[s].label]));
      fill(details.lastElementChild, table(`By ${PERIOD}`, [PERIOD, "documents", ...heads], rows));
    };
    details.ontoggle = () => { if (details.open) make(); };
    if (details.open) make();
  }

  function who(now) {
    const s = Number(byId("who-stance").value);
    const label = D.stances[s].label;
    const pairs = now.pairs[s];
    const speakers = new Float64Array(A), targets = new Float64Array(A);
    let both = 0, speakerOnly = 0, targetOnly = 0, neither = 0;
    const isNamed = (actor) => actor >= OTHERS;
    for (const [key, n] of pairs) {
      const a = Math.floor(key / A), b = key % A;
      if (isNamed(a) && isNamed(b)) {
        both += n;
        if (a >= FIRST_NAMED && b >= FIRST_NAMED) { speakers[a] += n; targets[b] += n; }
      } else if (isNamed(a)) speakerOnly += n;
      else if (isNamed(b)) targetOnly += n;
      else neither += n;
    }
    const part = (n, what, wanted) => number(n, `${label}, ${what}`, (i) => cell.s[i] === s && wanted(cell.a[i], cell.b[i]));
    fill(byId("who-note"), `${label[0].toUpperCase()}${label.slice(1)} with both sides named: `,
      part(both, "both sides named", (a, b) => isNamed(a) && isNamed(b)), "; only the speaker: ",
      part(speakerOnly, "only the speaker named", (a, b) => isNamed(a) && !isNamed(b)), "; only the one aimed at: ",
      part(targetOnly, "only the one aimed at named", (a, b) => !isNamed(a) && isNamed(b)), "; neither: ",
      part(neither, "neither side named", (a, b) => !isNamed(a) && !isNamed(b)), ".");
    const most = window.innerWidth < 640 ? 8 : 14;
    const leading = (sum) => named.filter((i) => sum[i]).sort((x, y) => sum[y] - sum[x]).slice(0, most);
    const rows = leading(speakers), columns = leading(targets);
    if (!rows.length) {
      fill(byId("matrix"), el("p", { textContent: "No sentence within the filters names both sides." }));
    } else {
      const at = (a, b) => pairs.get(a * A + b) || 0;
      const highest = Math.max(...rows.flatMap((a) => columns.map((b) => at(a, b))));
      const [red, green, blue] = [1, 3, 5].map((k) => parseInt(colour(s).slice(k, k + 2), 16));
      const short = (actor) => {
        const codes = codesOf(actor);
        return codes.length ? el("abbr", { title: nameOf(actor), textContent: codes.join(" ") }) : el("bdi", { textContent: nameOf(actor) });
      };
      fill(byId("matrix"), el("table", {},
        el("caption", {}, el("span", { textContent: `${label}: rows speak, columns are aimed at; the ${rows.length} and ${columns.length} most frequent` })),
        el("thead", {}, el("tr", {}, el("th", { scope: "col", className: "text", textContent: "speaker" }),
          ...columns.map((b) => el("th", { scope: "col" }, short(b))))),
        el("tbody", {}, ...rows.map((a) => el("tr", {}, el("th", { scope: "row" }, el("bdi", { textContent: nameOf(a) })),
          ...columns.map((b) => {
            const n = at(a, b);
            if (!n) return el("td", { className: "none", textContent: "·" });
            const strength = 0.06 + 0.5 * Math.sqrt(n / highest);
            return el("td", { style: { backgroundColor: `rgba(${red}, ${green}, ${blue}, ${strength})` } },
              number(n, `${label}, ${nameOf(a)} to ${nameOf(b)}`, (i) => cell.s[i] === s && cell.a[i] === a && cell.b[i] === b));
          }))))));
    }
    const shown = [s, ...shownStances().filter((other) => other !== s)];
    const top = [...pairs].filter(([key]) => Math.floor(key / A) >= FIRST_NAMED && key % A >= FIRST_NAMED)
      .sort((x, y) => y[1] - x[1]).slice(0, 15);
    fill(byId("pairs"), top.length ? table(`Pairs by ${label}`, ["speaker → aimed at", ...shown.map((k) => D.stances[k].label), "turn by turn"],
      top.map(([key]) => {
        const a = Math.floor(key / A), b = key % A;
        return [`${nameOf(a)} → ${nameOf(b)}`, ...shown.map((k) => {
          const n = now.pairs[k].get(key) || 0;
          return number(n, `${D.stances[k].label}, ${nameOf(a)} to ${nameOf(b)}`, (i) => cell.s[i] === k && cell.a[i] === a && cell.b[i] === b);
        }), el("button", { type: "button", textContent: "turns", "aria-label": `turns of ${nameOf(a)} and ${nameOf(b)}`, onclick: () => {
          byId("side-a").value = String(a); byId("side-b").value = String(b);
          turns(); byId("h-turns").tabIndex = -1; byId("h-turns").focus();
        } })];
      })) : el("p", { textContent: "No pair within the filters." }));
  }

  function turns() {
    const a = Number(byId("side-a").value), b = Number(byId("side-b").value);
    const parent = byId("turns");
    for (const id of ["turn-0", "turn-1"]) { charts.get(id)?.destroy(); charts.delete(id); }
    if (!named.length) return fill(parent, el("p", { textContent: "The table names no actors." }));
    if (a === b) return fill(parent, el("p", { textContent: "Choose two different sides." }));
    const takes = [matchesOf(a), matchesOf(b)];
    const ways = [0, 1].map(() => Array.from({ length: S }, () => new Float64Array(P)));
    const goes = (i, way) => takes[way][cell.a[i]] && takes[1 - way][cell.b[i]];
    for (let i = 0; i < N; i++) {
      if (cell.s[i] >= S || !passes(i)) continue;
      for (const way of [0, 1]) if (goes(i, way)) ways[way][cell.s[i]][cell.p[i]] += count[i];
    }
    const shown = shownStances();
    const title = (way) => `${nameOf(way ? b : a)} → ${nameOf(way ? a : b)}`;
    const what = (way, s, p) => `${D.stances[s].label}, ${title(way)}${p === undefined ? "" : ` ${inPeriod(p)}`}`;
    const wanted = (way, s, p) => (i) => cell.s[i] === s && (p === undefined || cell.p[i] === p) && goes(i, way);
    const button = (way, s, p) => {
      const n = p === undefined ? over(ways[way][s]) : ways[way][s][p];
      return number(n, what(way, s, p), wanted(way, s, p));
    };
    const sides = [0, 1].map((way) => el("figure", {},
      el("figcaption", {}, el("bdi", { textContent: title(way) }), ": ", ...shown.flatMap((s) => [swatch(s), ` ${D.stances[s].label} `, button(way, s), " "])),
      el("div", { id: `turn-${way}`, className: "chart", "aria-hidden": "true" })));
    const follows = [0, 1].map((way) => {
      const rows = shown.map((s) => {
        const when = [];
        for (let p = state.from; p <= state.to; p++) if (ways[way][s][p]) when.push(p);
        const answered = (t) => when.filter((p) => ways[1 - way][t][p] || (p < state.to && ways[1 - way][t][p + 1])).length;
        return [D.stances[s].label, figure(when.length), ...shown.map((t) => figure(answered(t)))];
      });
      const other = nameOf(way ? a : b);
      return table(`${title(way)}: in how many ${PERIOD}s, and in how many of them ${other} answered in the same or the next`,
        ["stance", `${PERIOD}s`, ...shown.map((t) => `answered by ${D.stances[t].label}`)], rows);
    });
    const rows = [];
    for (let p = 0; p < P; p++) {
      if (ways.some((way) => shown.some((s) => way[s][p]))) {
        rows.push([D.periods[p], ...[0, 1].flatMap((way) => shown.map((s) => button(way, s, p)))]);
      }
    }
    const heads = [PERIOD, ...[0, 1].flatMap((way) => shown.map((s) => `${title(way)}: ${D.stances[s].label}`))];
    const box = (label, ...inside) => el("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": label }, ...inside);
    fill(parent, ...sides,
      el("h3", { textContent: "What followed" }), box("What followed", ...follows),
      el("details", {}, el("summary", { textContent: `Turn by turn as a table (${plural(rows.length, PERIOD, `${PERIOD}s`)})` }),
        box("Table of turns", table(null, heads, rows))));
    for (const way of [0, 1]) {
      draw(`turn-${way}`, 140, shown.map((s) => ({
        label: D.stances[s].label, colour: colour(s), dash: DASHES[s % 4], values: ways[way][s] })),
      (k, p) => open(what(way, shown[k], p), wanted(way, shown[k], p), ways[way][shown[k]][p]));
    }
  }

  function strongest() {
    const s = Number(byId("top-stance").value), p = Number(byId("top-period").value);
    const wanted = (i) => cell.s[i] === s && (p < 0 || cell.p[i] === p);
    return list(byId("top"), wanted, total(wanted), 8);
  }

  function trust(now) {
    const read = over(D.sentences);
    const parts = [];
    parts.push(table("How often the model was in doubt: the probability lies close to the threshold", ["stance", "found", "in doubt", "share of sentences"],
      shownStances().map((s) => {
        const doubt = over(now.time[S + s]);
        return [D.stances[s].label, figure(over(now.time[s])),
          number(doubt, `${D.stances[s].label} in doubt`, (i) => cell.s[i] === S + s), WHOLE ? "–" : percent(doubt, read)];
      })));
    const all = D.documents.reduce((sum, n) => sum + n, 0) + D.duplicates.documents;
    const facts = el("ul", {});
    const fact = (...inside) => facts.append(el("li", {}, ...inside));
    const opener = (n, what, action) => el("button", { type: "button", className: "number", textContent: figure(n), "aria-label": `${figure(n)} ${what}: open`, onclick: action });
    fact("A sentence counts once for every stance it takes; a document that repeats an earlier one is left out: ",
      D.duplicates.documents ? opener(D.duplicates.documents, "repeated documents", openDuplicates) : "0",
      ` of ${figure(all)} documents (${percent(D.duplicates.documents, all)}).`);
    fact(D.rejected.count ? opener(D.rejected.count, "rejected records", openRejected) : "0",
      " records could not be read when the archive was scored",
      D.rejected.count ? `: ${D.rejected.reasons.map(([reason, n]) => `${reason} (${figure(n)})`).join("; ")}.` : ".",
      D.rejected.languages ? ` Of these, ${figure(D.rejected.languages)} were set aside for their language.` : "");
    if (D.unreadable.count) {
      fact(opener(D.unreadable.count, "unreadable rows", () => openRows("unreadable rows", ["File", "Line", "Reason"], D.unreadable.examples, D.unreadable.count)),
        " rows of the table itself could not be read; they are in no count.");
    }
    if (D.undated) fact(`${plural(D.undated, "document has", "documents have")} no date that can be read.`);
    if (D.vague) fact(`${plural(D.vague, "document has", "documents have")} a date that does not give the ${PERIOD}, and count as undated.`);
    fact(`Of ${plural(D.actorsInAll, "actor", "actors")} found, the page names the ${figure(A - FIRST_NAMED)} most frequent; the others count as one.`,
      " An actor named with another (“X and Y”) is found by the filter under either name.");
    if (D.otherModels > 0) fact(`The table mixes the scores of ${figure(D.otherModels + 1)} models.`);
    fact("A stance is what the sentence says, whether or not the writer shares it and whether or not it is true.");
    parts.push(facts, el("h3", { textContent: `The model: ${D.model || "unknown"}${D.modelHash ? ` (${D.modelHash})` : ""}` }));
    parts.push(D.card.text ? el("div", { className: "card", tabIndex: 0, role: "region", "aria-label": "Excerpt of the model card" }, D.card.text)
      : el("p", { textContent: D.card.note }));
    const definitions = D.stances.filter((stance) => stance.definition);
    if (definitions.length) {
      parts.push(el("h3", { textContent: "The stances" }), el("dl", {}, ...definitions.flatMap((stance) =>
        [el("dt", { textContent: stance.label }), el("dd", { textContent: stance.definition })])));
    }
    fill(byId("trust"), ...parts);
  }

  // ---- putting it together
  function update() {
    chosen = state.actor < 0 ? null : matchesOf(state.actor);
    const now = sums();
    glance(now); overTime(now); who(now); turns(); trust(now);
    return strongest();
  }

  function controls() {
    const dated = D.periods.slice(0, Math.max(1, P - 1));
    const sides = [byId("from"), byId("to")];
    sides.forEach((side) => fill(side, ...dated.map((label, p) => option(p, label))));
    const [from, to] = sides;
    to.value = String(LAST);
    const moved = (other) => () => {
      state.from = Number(from.value); state.to = Number(to.value);
      if (state.from > state.to) { // the end that was not touched follows
        other.value = String(other === to ? state.from : state.to);
        state.from = Number(from.value); state.to = Number(to.value);
      }
      update();
    };
    from.onchange = moved(to); to.onchange = moved(from);
    const label = (actor) => nameOf(actor) + (codesOf(actor).length === 1 ? ` (${codesOf(actor)[0]})` : "");
    const actors = () => [...named].sort((x, y) => nameOf(x).localeCompare(nameOf(y), "en")).map((actor) => option(actor, label(actor)));
    fill(byId("actor"), option(-1, "all actors"), ...actors(), ...[OTHERS, PRONOUN, NOT_STATED].map((actor) => option(actor, nameOf(actor))));
    byId("actor").onchange = (event) => { state.actor = Number(event.target.value); update(); };
    const boxes = D.stances.map((stance, s) => el("input", { type: "checkbox", checked: true, value: String(s), onchange: (event) => {
      if (event.target.checked) state.off.delete(s); else state.off.add(s);
      update();
    } }));
    byId("stances").append(...D.stances.map((stance, s) => el("label", {}, boxes[s], swatch(s), stance.label)));
    byId("reset").onclick = () => {
      Object.assign(state, { from: 0, to: LAST, actor: -1, off: new Set() });
      from.value = "0"; to.value = String(LAST); byId("actor").value = "-1";
      boxes.forEach((box) => { box.checked = true; });
      update();
    };
    const stances = D.stances.map((stance, s) => option(s, stance.label));
    fill(byId("who-stance"), ...stances);
    fill(byId("top-stance"), ...stances.map((one) => one.cloneNode(true)));
    fill(byId("top-period"), option(-1, "all"), ...dated.map((text, p) => option(p, text)), ...(HAS_UNDATED && P > 1 ? [option(UNDATED, "no date")] : []));
    byId("who-stance").onchange = () => who(sums());
    byId("top-stance").onchange = byId("top-period").onchange = strongest;
    document.querySelectorAll("input[name=measure]").forEach((radio) => { radio.onchange = () => overTime(sums()); });
    fill(byId("side-a"), ...actors()); fill(byId("side-b"), ...actors());
    const talk = new Map(); // the pair that talks most in both directions
    for (let i = 0; i < N; i++) {
      const a = cell.a[i], b = cell.b[i];
      if (cell.s[i] >= S || a < FIRST_NAMED || b < FIRST_NAMED || a === b) continue;
      const key = Math.min(a, b) * A + Math.max(a, b);
      const sums = talk.get(key) || [0, 0];
      sums[a < b ? 0 : 1] += count[i];
      talk.set(key, sums);
    }
    let best = -1;
    for (const [key, [one, other]] of talk) {
      const worth = Math.min(one, other) * 1e6 + one + other;
      if (worth > best) { best = worth; byId("side-a").value = String(Math.floor(key / A)); byId("side-b").value = String(key % A); }
    }
    if (best < 0 && named.length > 1) byId("side-b").value = String(named.find((i) => String(i) !== byId("side-a").value));
    byId("side-a").onchange = byId("side-b").onchange = turns;
  }

  byId("about").textContent = [D.table, D.model && `model ${D.model}`,
    D.unit === "all" ? "no dates" : `${D.periods[0]} to ${D.periods[LAST]}, by ${D.unit}`].filter(Boolean).join(" · ");
  byId("unit-count").textContent = "sentences";
  controls();
  const ready = update();
  performance.mark("rhetoric-drawn");

  let width = window.innerWidth;
  let waiting = 0;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return; // a phone's bars come and go without a new width
    width = window.innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(() => { const now = sums(); overTime(now); who(now); turns(); }, 150);
  });
  window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((one) => { one.open = true; }));
  ready.then(() => { document.documentElement.dataset.ready = "yes"; performance.mark("rhetoric-ready"); });
})();
