// Hands a finished file to the browser's downloads: its ticket is good for one time.
watch("value", () => {
  if (!props.value || !props.value.ticket) return;
  const link = document.createElement("a");
  link.href = "mien/file/" + props.value.ticket;
  link.download = props.value.name;
  document.body.append(link);
  link.click();
  link.remove();
});
