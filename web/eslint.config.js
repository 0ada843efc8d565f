import a11y from "eslint-plugin-jsx-a11y-x";
import hooks from "eslint-plugin-react-hooks";
import tseslint from "typescript-eslint";

export default tseslint.config(
  tseslint.configs.strict,
  tseslint.configs.stylistic,
  hooks.configs.flat["recommended-latest"],
  a11y.configs.recommended,
  {
    rules: {
      "no-eval": "error",
      "no-console": "error",
      // React elements only: what people write must never become HTML.
      "no-restricted-syntax": [
        "error",
        {
          selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
          message: "Return React elements.",
        },
        { selector: "MemberExpression[property.name=/^(inner|outer)HTML$/]", message: "No HTML." },
      ],
      "react-hooks/set-state-in-effect": "off",
      // What scrolls must be reachable by keyboard.
      "jsx-a11y-x/no-noninteractive-tabindex": ["error", { tags: [], roles: ["log", "tabpanel"] }],
    },
  },
);
