// Asks the server once a second for what came since the last answer, and shows it.
//
// 1. Everything that comes from an event is set as text, never as markup.
// 2. Each process of the server has a view of its own, with a name and numbers. What another process answers is added;
//    a process sends only what came after the last number that this page has of it.
// 3. What a process has forgotten, this page forgets, too: it says which number is the oldest that it keeps.
// 4. A hidden tab does not ask. A paused page asks, and holds back what comes.
// 5. Filters and the selected event stand behind the # of the address, which no server ever sees.
"use strict";

const INTERVAL = 1000; // milliseconds from an answer to the next question
const LONGEST_INTERVAL = 8000; // after failures
const TIMEOUT = 10000;
const MOST_VIEWS = 20; // processes whose numbers are remembered: they stand in each question

const base = location.pathname.replace(/\/+$/, "");
const byId = (id) => document.getElementById(id);
const rows = byId("rows");
const detail = byId("detail");
const filters = byId("filters");
const tokenKey = `pixelmw.live.token:${base}`;

let views = new Map(); // by name, in the order of their first answer
let entries = []; // newest first
let held = []; // what came while paused
let elements = new Map(); // the rows that are shown, by key
let clearings = 0;
let paused = false;
let failures = 0;
let wasCleared = false;
let timer = 0;
let asking = false;
let askedMeanwhile = false;
let refusal = ""; // the sentence of the server that refuses to answer
let wanted = {};
let selected = "";
let shownDetail = null;
