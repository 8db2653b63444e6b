// The last page: what is left to do until the answers are where they belong.
"use strict";

async function endScreen(display, log, server) {
  const end = log.ended.answer;
  const text = { completed: STUDY.texts.end, "not understood": STUDY.texts.failed, declined: STUDY.texts.declined }[end];
  const title = end === "completed" ? "The end" : "The study ends here";
  const state = element("p", { class: "state", role: "status", "aria-live": "polite" });
  show(display, title, ...paragraphs(text), state);
  if (!server) return offerDownload(display, log, state, "One thing is left to do: your answers are in this browser alone. Please save them as a file, and hand it over as you were told.");
  display.append(contact());
  state.textContent = "Your last answers are being sent. Please keep this page open.";
  const late = setTimeout(() => offerDownload(display, log, state, "Your answers cannot be sent just now. Please keep this page open, or save them as a file and hand it over."), 20000);
  while (log.unsent.length && !server.refused) await new Promise((resolve) => setTimeout(resolve, 200));
  clearTimeout(late);
  if (server.refused) return offerDownload(display, log, state, "The server does not take your answers. Please save them as a file, and hand it over.");
  display.querySelector(".download")?.remove();
  state.textContent = "All your answers have been received. You can close this page.";
}

function offerDownload(display, log, state, text) {
  state.textContent = text;
  if (display.querySelector(".download")) return;
  const save = button("Save my answers as a file", () => {
    download(`study-${log.study}-${log.participant}.jsonl`, log.text());
    log.change({ saved: log.events.length });
    state.textContent = "The file is in your downloads. Please hand it over as you were told; then you can close this page.";
  }, { class: "main download" });
  state.after(save);
}

function download(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "application/x-ndjson" }));
  const link = element("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 1000);
}
