/* Hangs a popover at the button that opens it: the sheet places it by these three lengths. */

export function hangAt(menu, opener) {
  menu.addEventListener("beforetoggle", (event) => {
    if (event.newState !== "open") return;
    const box = opener.getBoundingClientRect();
    menu.style.setProperty("--opener-left", `${box.left}px`);
    menu.style.setProperty("--opener-top", `${box.top}px`);
    menu.style.setProperty("--opener-bottom", `${box.bottom}px`);
  });
}
