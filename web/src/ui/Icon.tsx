// Small pictures of one line. What they mean stands beside them, or on their button.

const PATHS = {
  add: "M8 3v10M3 8h10",
  back: "M10 3L5 8l5 5",
  bell: "M4 11.500h8L11 10V7a3 3 0 0 0-6 0v3zM6.750 13.500h2.500M8 4V2.500",
  bellOff: "M4 11.500h8L11 10V7a3 3 0 0 0-6 0v3zM6.750 13.500h2.500M8 4V2.500M2.500 2l11 12",
  check: "M3 8.500l3.500 3.500L13 4.500",
  close: "M4 4l8 8M12 4l-8 8",
  down: "M4 6l4 4 4-4",
  envelope: "M2 3.750h12v8.500H2zM2.250 4.250L8 9l5.750-4.750",
  eye: "M1.500 8S4 3.500 8 3.500 14.500 8 14.500 8 12 12.500 8 12.500 1.500 8 1.500 8zM8 6.250a1.750 1.750 0 1 1 0 3.500 1.750 1.750 0 0 1 0-3.500z",
  keyboard: "M1.500 4h13v8h-13zM4 6.750h.01M6.500 6.750h.01M9 6.750h.01M11.500 6.750h.01M5 9.500h6",
  logOut: "M6.500 2.500h-3v11h3M7 8h6.500M11 5l3 3-3 3",
  more: "M3.500 8h.01M8 8h.01M12.500 8h.01",
  people: "M6 7.500a2.250 2.250 0 1 0 0-4.500 2.250 2.250 0 0 0 0 4.500zM1.500 13c.3-2.300 2-3.500 4.500-3.500s4.200 1.200 4.500 3.500M10.500 3.200a2.250 2.250 0 0 1 0 4.100M12 9.800c1.500.5 2.300 1.600 2.500 3.200",
  search: "M7 2.500a4.500 4.500 0 1 1 0 9 4.500 4.500 0 0 1 0-9zM10.300 10.300l3.200 3.200",
  settings: "M2 4.500h6M12 4.500h2M10 3v3M2 11.500h2M8 11.500h6M6 10v3",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  const isDots = name === "more" || name === "keyboard";
  return (
    <svg
      viewBox="0 0 16 16"
      width={size}
      height={size}
      fill="none"
      stroke="currentColor"
      strokeWidth={name === "more" ? 2.25 : isDots ? 1.25 : 1.5}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
