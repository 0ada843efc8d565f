// The frame of what one sees before one is logged in.

import { usePageTitle } from "../../app/title";
import styles from "./AuthView.module.css";
import { LogIn } from "./LogIn";
import { Register } from "./Register";

export default function AuthView({ mode }: { mode: "login" | "register" }) {
  usePageTitle(mode === "register" ? "Create an account" : "Log in");
  return (
    <main className={styles["page"]}>
      <div className={styles["card"]}>
        <p className={styles["brand"]}>
          <img src="/icon.svg" alt="" width={36} height={36} /> ChatterRoom
        </p>
        {mode === "register" ? <Register /> : <LogIn />}
      </div>
    </main>
  );
}
