/** Lines of the `sh` blocks of a Markdown page. */
export const documentedCommands = (markdown: string): string[] =>
  [...markdown.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap((block) => (block[1] as string).trim().split('\n'));
