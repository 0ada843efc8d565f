// Asks for a day to go to.

import { useState } from "react";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";

interface Props {
  onChoose: (day: Date) => void;
  onClose: () => void;
}

export function JumpToDate({ onChoose, onClose }: Props) {
  const [today] = useState(() => dayText(new Date()));
  const [text, setText] = useState(today);
  const [problem, setProblem] = useState<string | null>(null);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        // Midnight here, not in Greenwich.
        const day = new Date(`${text}T00:00:00`);
        if (Number.isNaN(day.getTime())) setProblem("Enter a valid date.");
        else onChoose(day);
      }}
    >
      <Dialog
        title="Jump to date"
        onClose={onClose}
        actions={
          <>
            <Button onClick={onClose}>Cancel</Button>
            <Button kind="primary" type="submit">
              Jump
            </Button>
          </>
        }
      >
        <Field
          label="Date"
          type="date"
          max={today}
          required
          value={text}
          problem={problem}
          onChange={(event) => setText(event.target.value)}
        />
      </Dialog>
    </form>
  );
}

function dayText(date: Date): string {
  const two = (number: number) => String(number).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}
