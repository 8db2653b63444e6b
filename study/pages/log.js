// The answers of one participant: each is in this browser's storage the moment it is given.
"use strict";

class Log {
  // All that is known of PARTICIPANT in this browser.
  constructor(study, participant) {
    this.key = `study/${study}/${participant}`;
    this.study = study;
    this.participant = participant;
    this.owner = randomText();
    this.state = this.read() || { slot: null, token: randomText(), acknowledged: 0, saved: 0, seen: -1, events: [] };
    this.state.owner = this.owner;
    this.write();
  }

  // The slot of a participant who was here before; null where there was none.
  static slot(study, participant) {
    return JSON.parse(localStorage.getItem(`study/${study}/${participant}`))?.slot ?? null;
  }

  read() {
    return JSON.parse(localStorage.getItem(this.key));
  }

  write() {
    localStorage.setItem(this.key, JSON.stringify(this.state));
  }

  // Does another window go on with the same participant?
  taken() {
    const there = this.read();
    return there !== null && there.owner !== this.owner;
  }

  change(fields) {
    if (this.taken()) throw new TakenError();
    Object.assign(this.state, fields);
    this.write();
  }

  add(fields) {
    const event = {
      study: this.study,
      participant: this.participant,
      slot: this.state.slot,
      sequence: this.events.length,
      item: null,
      map: null,
      answer: null,
      correct: null,
      confidence: null,
      ...fields,
      rt_ms: Math.round(fields.rt_ms * 10) / 10,
      viewport: [window.innerWidth, window.innerHeight],
      time: new Date().toISOString(),
    };
    this.change({ events: [...this.events, event] });
    return event;
  }

  get events() {
    return this.state.events;
  }

  get unsent() {
    return this.events.slice(this.state.acknowledged);
  }

  find(phase, trial) {
    return this.events.find((event) => event.phase === phase && event.trial === trial);
  }

  get ended() {
    return this.events.find((event) => event.phase === "end");
  }

  text() {
    return this.events.map((event) => JSON.stringify(event) + "\n").join("");
  }
}

class TakenError extends Error {}

function randomText() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
