// Answers to the server, in order, again and again until it says that it has them.
"use strict";

const RETRY_MS = [500, 1000, 2000, 5000];
const MOST_AT_ONCE = 20;

class Refused extends Error {}

class Server {
  // Is this page served by `study-serve`? Raises an error where that cannot be told: the network or server is down.
  static async found() {
    if (location.protocol === "file:") return false;
    const response = await fetch("api/study", { cache: "no-store" });
    if (response.status === 404) return false;
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    const told = await response.json();
    if (told.study !== STUDY.digest) throw new Refused("This page is out of date: please load it again.");
    return true;
  }

  constructor(log, notice) {
    this.log = log;
    this.notice = notice;
    this.failures = 0;
    this.running = false;
    window.addEventListener("online", () => this.wake());
  }

  async post(path, body) {
    const response = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json", Authorization: `Bearer ${this.log.state.token}` },
      body: JSON.stringify(body),
    });
    if (response.ok) return response.json();
    const told = await response.json().catch(() => ({}));
    const text = typeof told.detail === "string" ? told.detail : `The server answered ${response.status}.`;
    // Too many at once, and what is wrong with the server, pass; a refusal stays.
    if (response.status === 429 || response.status >= 500) throw new Error(text);
    throw new Refused(text);
  }

  async enter() {
    const told = await this.post("api/enter", { participant: this.log.participant });
    this.log.change({ slot: told.slot });
  }

  // Send what is not sent yet; one at a time, however often it is called.
  async flush() {
    if (this.running || this.refused) return;
    this.running = true;
    try {
      while (this.log.unsent.length) await this.once();
      this.notice(this.log.events.length ? "All answers so far are saved." : "");
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      this.refused = error.message;
      this.notice(`Your answers are kept in this browser, but the server refuses them: ${error.message}`, true);
    } finally {
      this.running = false;
    }
  }

  async once() {
    const events = this.log.unsent.slice(0, MOST_AT_ONCE);
    try {
      await this.post("api/events", { participant: this.log.participant, events });
      this.log.change({ acknowledged: events[events.length - 1].sequence + 1 });
      this.failures = 0;
    } catch (error) {
      if (error instanceof Refused || error instanceof TakenError) throw error;
      this.notice("No connection just now. Your answers are kept in this browser and sent when it is back; please go on.", true);
      const wait = RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)];
      this.failures += 1;
      await new Promise((resolve) => {
        this.resolve = resolve;
        setTimeout(resolve, wait);
      });
    }
  }

  wake() {
    if (this.resolve) this.resolve();
  }
}
