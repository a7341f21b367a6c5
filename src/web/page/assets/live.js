// Keeps the page true: one stream of small patches, moments in words, filters, copying. Everything works without it, too.
"use strict";
(() => {
  const html = document.documentElement;
  const { root, build, instance } = html.dataset;
  const byId = (id) => document.getElementById(id);
  // The page's language as people write it where they are: en-GB has other times than en-US.
  const language = navigator.languages.find((tag) => tag.split("-")[0] === html.lang) ?? html.lang;

  // ---- Moments: "3 min ago", renewed while the page is open.
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
  const absolute = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
  const units = [["day", 86400], ["hour", 3600], ["minute", 60], ["second", 1]];
  const inWords = (at) => {
    const seconds = Math.round((at - Date.now()) / 1000);
    const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? units[3];
    return relative.format(Math.trunc(seconds / size), unit);
  };
  const longer = units.map(([unit, size]) => [new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }), size]);
  const lasting = (since) => {
    const seconds = Math.max(1, Math.round((Date.now() - since) / 1000));
    const [format, size] = longer.find(([, size]) => seconds >= size);
    return format.format(Math.trunc(seconds / size));
  };
  const tellMoments = (within) => {
    for (const time of within.querySelectorAll("time[data-rel], time[data-for]")) {
      const at = Date.parse(time.dateTime);
      if (Number.isNaN(at)) continue;
      const words = time.dataset.for ? time.dataset.for.replace("{}", lasting(at)) : inWords(at);
      if (time.textContent !== words) time.textContent = words;
      if (!time.title) time.title = absolute.format(at);
    }
  };
  tellMoments(document);
  setInterval(() => tellMoments(document), 5000);

  // ---- Pictures do not flash: the old one stays until the new one is there.
  const keepPictures = (before, after) => {
    const old = before.querySelector(".view img");
    const fresh = after.querySelector(".view img");
    if (!old || !fresh) return;
    const wanted = fresh.getAttribute("src");
    fresh.replaceWith(old);
    if (old.getAttribute("src") === wanted) return;
    const loader = new Image();
    loader.onload = () => old.setAttribute("src", wanted);
    loader.src = wanted;
  };

  // ---- Replaces what is in a slot, and keeps the focus and what is open.
  const fill = (slot, markup) => {
    const template = document.createElement("template");
    template.innerHTML = markup;
    const focused = slot.contains(document.activeElement) ? document.activeElement.id : "";
    const open = [...slot.querySelectorAll("details")].map((details) => details.open);
    const typed = slot.querySelector("input[type=search]");
    keepPictures(slot, template.content);
    if (typed && template.content.querySelector("input[type=search]")) template.content.querySelector("input[type=search]").replaceWith(typed);
    template.content.querySelectorAll("details").forEach((details, index) => { details.open = open[index] ?? false; });
    slot.replaceChildren(template.content);
    tellMoments(slot);
    if (focused) byId(focused)?.focus();
  };

  // ---- Filters work on what is there; the address keeps them.
  const wall = byId("wall");
  const filter = { status: wall?.dataset.shown ?? "", search: wall?.dataset.search ?? "" };
  const applyFilter = () => {
    if (!wall) return;
    let shown = 0;
    const search = filter.search.trim().toLowerCase();
    for (const item of wall.children) {
      const card = item.firstElementChild;
      if (!card) continue;
      const fits = (!filter.status || card.dataset.status === filter.status) && (!search || card.dataset.text.toLowerCase().includes(search));
      item.hidden = !fits;
      shown += fits;
    }
    byId("nothing").hidden = shown > 0 || wall.children.length === 0;
    for (const chip of document.querySelectorAll(".chip")) chip.setAttribute("aria-pressed", String(chip.value === filter.status));
    const input = byId("search");
    if (input && input.value !== filter.search && document.activeElement !== input) input.value = filter.search;
    const query = new URLSearchParams(Object.entries(filter).filter(([, value]) => value)).toString();
    const address = (query ? "?" + query : location.pathname) + location.hash;
    if ((location.search || location.pathname) + location.hash !== address) history.replaceState(null, "", address);
  };
  if (wall) {
    applyFilter();
    document.addEventListener("input", (event) => { if (event.target.id === "search") { filter.search = event.target.value; applyFilter(); } });
    document.addEventListener("submit", (event) => {
      if (!event.target.matches(".filters")) return;
      event.preventDefault();
      if (event.submitter?.matches(".chip")) filter.status = event.submitter.value === filter.status ? "" : event.submitter.value;
      applyFilter();
    });
  }

  // ---- Buttons that need no other page.
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("[data-inplace]")) return;
    event.preventDefault();
    const button = form.querySelector("button");
    button.disabled = true;
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)), redirect: "follow" });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const news = page.getElementById("notice");
      if (answer.ok && news) byId("notice").replaceChildren(...news.childNodes);
      else form.submit();
    } catch {
      lose();
    } finally {
      button.disabled = false;
      button.focus();
    }
  });
  for (const button of document.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const source = byId(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(source.textContent);
      } catch {
        // Without https there is no clipboard; the old way still works.
        getSelection().selectAllChildren(source);
        document.execCommand("copy");
      }
      const label = button.textContent;
      button.textContent = button.dataset.copied;
      setTimeout(() => { button.textContent = label; }, 1500);
    });
  }

  // ---- The stream.
  const slots = () => [...document.querySelectorAll("[data-slot]")];
  const one = document.querySelector("[data-watch]");
  const have = () => one
    ? one.dataset.watch.split(" ").map((id, index) => [id, one.dataset.marks.split(" ")[index]])
    : slots().map((slot) => [slot.id, slot.dataset.mark]);

  const slotOf = (id) => {
    let slot = byId(id);
    if (!slot && wall && id.startsWith("card-")) {
      slot = document.createElement("li");
      slot.id = id;
      slot.dataset.slot = "";
      wall.append(slot);
    }
    return slot;
  };
  const patch = ({ id, mark, html: markup }) => {
    if (one) {
      const marks = one.dataset.marks.split(" ");
      const index = one.dataset.watch.split(" ").indexOf(id);
      if (index < 0) return;
      marks[index] = mark;
      one.dataset.marks = marks.join(" ");
      refresh();
      return;
    }
    const slot = slotOf(id);
    if (!slot) return;
    slot.dataset.mark = mark;
    fill(slot, markup);
    applyFilter();
  };
  const order = (ids) => {
    const wanted = new Set(ids);
    for (const item of [...wall.children]) if (!wanted.has(item.id)) item.remove();
    for (const id of ids) { const item = byId(id); if (item) wall.append(item); }
    applyFilter();
  };

  // One camera's page is made anew by the server, and only what differs is put in.
  let refreshing = false, again = false;
  const parts = new Map();
  const refresh = async () => {
    if (refreshing) { again = true; return; }
    refreshing = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (!answer.ok) { location.reload(); return; }
      for (const part of document.querySelectorAll("[data-part]")) {
        const fresh = page.getElementById(part.id);
        if (fresh && fresh.innerHTML !== parts.get(part.id)) {
          parts.set(part.id, fresh.innerHTML);
          part.className = fresh.className;
          fill(part, fresh.innerHTML);
        }
      }
    } catch { /* The stream notices a dead server, too. */ }
    refreshing = false;
    if (again) { again = false; refresh(); }
  };

  let lostSince = null, silence = 0;
  const contact = () => {
    lostSince = null;
    byId("crowded").hidden = true;
    byId("lost").hidden = true;
    byId("live").hidden = false;
    document.body.classList.remove("is-lost");
  };
  const lose = () => {
    if (lostSince) return;
    lostSince = new Date();
    const time = byId("lost").querySelector("time");
    time.dateTime = lostSince.toISOString();
    time.textContent = new Intl.DateTimeFormat(language, { timeStyle: "medium" }).format(lostSince);
    byId("lost").hidden = false;
    byId("live").hidden = true;
    document.body.classList.add("is-lost");
  };
  // Too many pages are open: nothing is lost, but this one has to wait.
  let crowded = false;
  const crowd = () => {
    contact();
    crowded = true;
    byId("crowded").hidden = false;
    byId("live").hidden = true;
    clearTimeout(silence);
  };
  const hear = (name, data) => {
    if (name === "hello") {
      // Another program, or another version of it: its forms and styles are others.
      if (data.build !== build || data.instance !== instance) location.reload();
      contact();
    } else if (name === "patch") patch(data);
    else if (name === "order" && wall) order(data);
  };
  const read = async (signal, alive) => {
    // Not EventSource: Home Assistant before 2026.2 keeps text/event-stream back, and it tells no status.
    const answer = await fetch(root + "live", {
      method: "POST", signal, cache: "no-store",
      headers: { "Content-Type": "application/json", Accept: "application/octet-stream" },
      body: JSON.stringify({ wall: !one && !!wall, have: have() }),
    });
    if (answer.status === 503) { crowd(); return pause(30000); }
    if (!answer.ok) throw new Error(String(answer.status));
    const reader = answer.body.getReader();
    const decoder = new TextDecoder();
    let text = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      alive();
      text += decoder.decode(value, { stream: true });
      for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
        const message = text.slice(0, end);
        text = text.slice(end + 2);
        const name = /^event: (.*)$/m.exec(message)?.[1];
        const data = /^data: (.*)$/m.exec(message)?.[1];
        if (name && data) hear(name, JSON.parse(data));
      }
    }
  };
  const pause = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
  const visible = () => new Promise((resolve) => {
    if (!document.hidden) return resolve();
    const look = () => { if (!document.hidden) { document.removeEventListener("visibilitychange", look); resolve(); } };
    document.addEventListener("visibilitychange", look);
  });
  const follow = async () => {
    for (let wait = 500; ; wait = Math.min(wait * 2, 8000)) {
      await visible();
      const cancel = new AbortController();
      const alive = () => { clearTimeout(silence); silence = setTimeout(() => cancel.abort(), 25000); wait = 500; };
      const hide = () => { if (document.hidden) cancel.abort(); };
      document.addEventListener("visibilitychange", hide);
      alive();
      try { await read(cancel.signal, alive); } catch { /* What counts is that it ended. */ }
      clearTimeout(silence);
      document.removeEventListener("visibilitychange", hide);
      if (crowded) { crowded = false; continue; }
      if (!document.hidden) { lose(); await pause(wait); }
    }
  };
  if (one || wall) follow();
})();
