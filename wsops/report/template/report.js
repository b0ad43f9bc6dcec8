"use strict";
/* Tables can be sorted and filtered; without this script the page says the same. */
(() => {
  const LONG = 15;
  const value = (row, column) => {
    const cell = row.cells[column];
    return cell ? (cell.dataset.sort ?? cell.textContent).trim() : "";
  };
  const compare = (a, b) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    const [x, y] = [Number(a), Number(b)];
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, "en", { numeric: true }) : x - y;
  };
  const sort = (table, column) => {
    const heads = [...table.tHead.rows[0].cells];
    const down = heads[column].getAttribute("aria-sort") === "ascending";
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [value(row, column), row]);
    rows.sort(([a], [b]) => (down && a !== "" && b !== "" ? compare(b, a) : compare(a, b)));
    body.append(...rows.map(([, row]) => row));
    heads.forEach((head, at) => {
      if (at !== column) head.removeAttribute("aria-sort");
      else head.setAttribute("aria-sort", down ? "descending" : "ascending");
    });
  };
  const sortable = (table) => {
    [...table.tHead.rows[0].cells].forEach((head, column) => {
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      button.addEventListener("click", () => sort(table, column));
      head.append(button);
    });
  };
  const filterable = (table) => {
    const rows = [...table.tBodies[0].rows].map((row) => [row, row.textContent.toLowerCase()]);
    const box = document.createElement("input");
    box.type = "search";
    box.className = "r-filter";
    box.placeholder = `Filter ${rows.length.toLocaleString("en")} rows`;
    box.setAttribute("aria-label", `Filter: ${table.caption?.textContent.trim() || "table"}`);
    box.addEventListener("input", () => {
      const wanted = box.value.trim().toLowerCase();
      for (const [row, text] of rows) row.hidden = !text.includes(wanted);
    });
    (table.closest(".w-scroll") ?? table).before(box);
  };
  for (const table of document.querySelectorAll("table.w-sortable")) {
    if (table.tHead?.rows.length !== 1 || table.tBodies.length !== 1) continue;
    sortable(table);
    if (table.tBodies[0].rows.length > LONG) filterable(table);
  }
})();
