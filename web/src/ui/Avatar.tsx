import { hueOf } from "./hue";
import { initialsOf } from "./initials";
import { usePicture } from "./pictures";
import styles from "./Avatar.module.css";

interface Props {
  /** Decides the colour. */
  id: string;
  name: string;
  url?: string | undefined;
  isOnline?: boolean;
  /** People are round, rooms are not. */
  isRoom?: boolean;
  size?: "small" | "normal" | "large";
}

/** A picture, or the initials. The name stands beside it, so that readers are not told twice. */
export function Avatar({ id, name, url, isOnline = false, isRoom = false, size = "normal" }: Props) {
  const picture = usePicture(url);
  return (
    <span
      className={styles["avatar"]}
      data-size={size}
      data-hue={hueOf(id)}
      data-room={isRoom || undefined}
      data-online={isOnline || undefined}
      aria-hidden
    >
      {picture ? <img src={picture} alt="" /> : initialsOf(name)}
    </span>
  );
}
