// The way to what waits for an answer; not there while nothing does.

import { Link } from "wouter";
import { useRequests } from "../../app/request_hooks";
import { PATHS } from "../../app/routes";
import { Badge } from "../../ui/Badge";
import { Icon } from "../../ui/Icon";
import styles from "./Sidebar.module.css";

export function RequestsEntry() {
  const { total } = useRequests();
  if (total === 0) return null;
  return (
    <Link
      href={PATHS.requests}
      className={(isActive) => `${styles["requests"]} ${isActive ? styles["active"] : ""}`}
    >
      <Icon name="envelope" size={18} />
      <span>Requests</span>
      <Badge count={total} label="waiting for you" />
    </Link>
  );
}
