"use strict";
/* Tables can be sorted, narrowed and opened bit by bit; without this script the page says the same. */
(() => {
  const LONG = 15;
  const MOST = 250;
  const words = new Intl.Collator("en", { numeric: true }).compare;
  const value = (row, column) => {
    const cell = row.cells[column];
    return cell ? (cell.dataset.sort ?? cell.textContent).trim() : "";
  };
  const compare = (a, b) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    const [x, y] = [Number(a), Number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? words(a, b) : x - y;
  };
  const button = (says, act) => {
    const made = document.createElement("button");
    made.type = "button";
    made.append(...says);
    made.addEventListener("click", act);
    return made;
  };
  const asked = () => document.getElementById(location.hash.slice(1));

  class Table {
    constructor(table) {
      this.heads = [...table.tHead.rows[0].cells];
      this.body = table.tBodies[0];
      this.box = table.closest(".w-scroll") ?? table;
      this.wanted = "";
      this.chosen = new Set();
      this.most = MOST;
      this.heads.forEach((head, column) =>
        head.append(button([...head.childNodes], () => this.sort(column))),
      );
      const tools = this.box.previousElementSibling;
      const choices = tools?.classList.contains("r-tools") ? [...tools.querySelectorAll("button")] : [];
      this.narrowed = choices.length > 0 || this.body.rows.length > LONG;
      if (this.narrowed) this.narrowable(table, choices, tools);
    }

    narrowable(table, choices, tools) {
      const rows = [...this.body.rows];
      this.texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
      this.choices = choices;
      for (const choice of choices) choice.addEventListener("click", () => this.choose(choice));
      if (choices.length) tools.hidden = false;
      if (rows.length > LONG) {
        const filter = this.filter(table.caption?.textContent.trim() || "table");
        if (choices.length) tools.append(filter);
        else this.box.before(filter);
      }
      this.seen = document.createElement("p");
      this.seen.className = "r-seen";
      this.seen.setAttribute("role", "status");
      this.more = document.createElement("p");
      this.more.className = "r-more";
      this.more.append(
        button([`Show ${MOST} more`], () => this.open(this.most + MOST)),
        button(["Show all"], () => this.open(Infinity)),
      );
      this.box.after(this.seen, this.more);
      this.show();
    }

    filter(name) {
      const box = document.createElement("input");
      box.type = "search";
      box.className = "r-filter";
      box.placeholder = `Filter ${this.texts.size.toLocaleString("en")} rows`;
      box.setAttribute("aria-label", `Filter: ${name}`);
      box.addEventListener("input", () => {
        this.wanted = box.value.trim().toLowerCase();
        this.show();
      });
      return box;
    }

    choose(...wanted) {
      for (const choice of wanted) {
        const on = !this.chosen.delete(choice.value);
        if (on) this.chosen.add(choice.value);
        choice.setAttribute("aria-pressed", on);
      }
      this.show();
    }

    only(value) {
      this.choose(...this.choices.filter((one) => this.chosen.has(one.value) !== (one.value === value)));
    }

    open(most) {
      this.most = most;
      this.show();
    }

    fits(row) {
      if (this.chosen.size && !this.chosen.has(row.dataset.choice)) return false;
      return this.texts.get(row).includes(this.wanted);
    }

    show() {
      const pointed = asked();
      let [fit, shown] = [0, 0];
      for (const row of this.body.rows) {
        const fits = row === pointed || this.fits(row);
        row.hidden = !fits;
        fit += fits;
        const later = fits && fit > this.most && row !== pointed;
        row.classList.toggle("r-later", later);
        shown += fits && !later;
      }
      const [some, all] = [shown, this.texts.size].map((number) => number.toLocaleString("en"));
      this.seen.textContent = some === all ? "" : `${some} of ${all} rows shown`;
      this.more.hidden = shown === fit;
    }

    sort(column) {
      const down = this.heads[column].getAttribute("aria-sort") === "ascending";
      const rows = [...this.body.rows].map((row) => [value(row, column), row]);
      rows.sort(([a], [b]) => (down && a !== "" && b !== "" ? compare(b, a) : compare(a, b)));
      this.body.replaceChildren(); // to move them one by one takes seconds where there are thousands
      this.body.append(...rows.map(([, row]) => row));
      this.heads.forEach((head, at) => {
        if (at !== column) head.removeAttribute("aria-sort");
        else head.setAttribute("aria-sort", down ? "descending" : "ascending");
      });
      if (this.narrowed) this.show();
    }
  }

  const tables = new Map();
  for (const table of document.querySelectorAll("table.w-sortable")) {
    if (table.tHead?.rows.length !== 1 || table.tBodies.length !== 1) continue;
    tables.set(table, new Table(table));
  }
  const point = () => {
    for (const table of tables.values()) if (table.narrowed) table.show();
    if (asked()?.matches("tr")) asked().scrollIntoView({ block: "center" });
  };
  addEventListener("hashchange", point);
  if (location.hash) addEventListener("load", point);
  for (const link of document.querySelectorAll("a[data-choose]")) {
    const table = tables.get(document.querySelector(`${link.hash} table.w-sortable`));
    if (table?.narrowed) link.addEventListener("click", () => table.only(link.dataset.choose));
  }
  for (const line of navigator.clipboard ? document.querySelectorAll(".r-copied pre") : []) {
    const copy = button(["Copy"], async () => {
      await navigator.clipboard.writeText(line.textContent);
      copy.textContent = "Copied";
    });
    line.after(copy);
  }
})();
