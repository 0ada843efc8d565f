import { Component, Suspense, type ReactNode } from "react";
import { Button } from "./Button";
import styles from "./LoadBoundary.module.css";

interface Props {
  children: ReactNode;
}

/** Around parts that are loaded when they are needed: says that they come, or do not. */
export class LoadBoundary extends Component<Props, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  override render() {
    if (this.state.hasFailed) {
      return (
        <div className={styles["box"]} role="alert">
          <p>Couldn't load this page.</p>
          <Button onClick={() => location.reload()}>Try again</Button>
        </div>
      );
    }
    const loading = (
      <p className={styles["box"]} role="status">
        Loading…
      </p>
    );
    return <Suspense fallback={loading}>{this.props.children}</Suspense>;
  }
}
