// A finger that pushes a picture aside: to the right, to the left, or back to where it was.

const FAR = 90; // pixels; less is a slip of the finger

/** `left`, `right`: what a push does; `moved`: the element that follows the finger. */
export function follow(element, { left, right, moved }) {
  let from = null;

  const rest = () => {
    from = null;
    moved.style.transform = "";
    moved.classList.remove("to-left", "to-right");
  };
  element.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" || !event.isPrimary) return;
    from = { x: event.clientX, y: event.clientY };
    element.setPointerCapture(event.pointerId);
  });
  element.addEventListener("pointermove", (event) => {
    if (!from) return;
    const by = event.clientX - from.x;
    moved.style.transform = `translateX(${by}px) rotate(${by / 60}deg)`;
    moved.classList.toggle("to-left", by < -FAR);
    moved.classList.toggle("to-right", by > FAR);
  });
  element.addEventListener("pointercancel", rest);
  element.addEventListener("pointerup", (event) => {
    if (!from) return;
    const by = event.clientX - from.x;
    rest();
    if (by < -FAR) left();
    else if (by > FAR) right();
  });
}
