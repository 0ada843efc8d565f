import { memo, useEffect } from "react";
import { useStore } from "../../app/hooks";
import { useClient } from "../../app/session";
import type { Notice } from "../../store/conversation";
import { timeOfDay } from "../../ui/times";
import { noticeText } from "./notices";
import { nameIn } from "./people";
import styles from "./Row.module.css";

/** What happened to the room, between the messages. */
export const NoticeRow = memo(function NoticeRow({ notice }: { notice: Notice }) {
  const { people } = useClient();
  const whomId = "user_id" in notice ? notice.user_id : "";
  useEffect(() => {
    people.want(notice.sender_id);
    people.want(whomId);
  }, [people, notice, whomId]);
  const text = useStore((store) =>
    noticeText(notice, nameIn(store, notice.sender_id), nameIn(store, whomId)),
  );
  return (
    <p className={styles["notice"]}>
      <bdi>{text}</bdi> <time dateTime={notice.created_at}>{timeOfDay(notice.created_at)}</time>
    </p>
  );
});
