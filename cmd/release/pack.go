package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"
)

// recipe is nfpm's description of a package. What differs between Debian and Red Hat is a matter of places and names.
var recipe = template.Must(template.New("nfpm.yaml").Parse(`name: plumb
arch: {{.Arch}}
platform: linux
version: {{.Version}}
version_schema: semver
section: admin
priority: optional
maintainer: Plumbline <maintainers@plumbline.internal>
description: |
  Keeps a private datacenter true to a Git repository.
  CUE describes hosts, storage, networks, VMs, addresses, balancers and DNS. Each
  commit is validated, compared with what is really running, applied in order and
  with rollback, and watched for drift. The same binary is controller and, over
  SSH, what works on the hosts.
license: Apache-2.0
mtime: {{.Time}}
depends: [{{.Depends}}]
recommends: [git]
scripts:
  postinstall: {{.Stage}}/postinst
  preremove: {{.Stage}}/prerm
  postremove: {{.Stage}}/postrm
rpm:
  group: System Environment/Daemons
  buildhost: plumbline
  compression: gzip
deb:
  compression: gzip
contents:
{{- range .Contents}}
- {{if .Src}}src: {{.Src}}
  {{end}}dst: {{.Dst}}
  {{if .Type}}type: {{.Type}}
  {{end}}file_info: {mode: {{printf "0%o" .Mode}}, owner: root, group: root, mtime: {{$.Time}}}
{{- end}}
`))

// content is one file or directory of a package.
type content struct {
	Src, Dst, Type string
	Mode           uint32
}

// pack makes packages and bill of materials of every architecture.
func (r *release) pack(ctx context.Context) error {
	for _, arch := range r.arches {
		binary, err := filepath.Abs(r.binary(arch))
		if err != nil {
			return err
		}
		text, err := describe(binary, r.version, r.time)
		if err != nil {
			return err
		}
		sbom := r.binary(arch) + ".cdx.json"
		if err := os.WriteFile(sbom, text, 0o644); err != nil {
			return err
		}
		if err := r.put("sbom.cdx.json", text); err != nil {
			return err
		}
		for _, format := range []string{"deb", "rpm"} {
			if err := r.packOne(ctx, format, arch, binary); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *release) packOne(ctx context.Context, format, arch, binary string) error {
	contents, err := r.contents(format, binary)
	if err != nil {
		return err
	}
	depends := "openssh-client, passwd"
	if format == "rpm" {
		depends = "openssh-clients, shadow-utils"
	}
	var text strings.Builder
	stamp := r.time.Format("2006-01-02T15:04:05Z")
	err = recipe.Execute(&text, map[string]any{
		"Arch": arch, "Version": r.version, "Time": stamp, "Depends": depends, "Stage": r.stage, "Contents": contents,
	})
	if err != nil {
		return err
	}
	config := filepath.Join(r.stage, fmt.Sprintf("nfpm-%s-%s.yaml", format, arch))
	if err := os.WriteFile(config, []byte(text.String()), 0o644); err != nil {
		return err
	}
	env := append([]string{"GOARCH=", fmt.Sprintf("SOURCE_DATE_EPOCH=%d", r.time.Unix())}, builds...)
	return do(ctx, env, "go", "tool", "-modfile=tools.mod", "nfpm", "package", "-f", config, "-p", format, "-t", r.out+"/")
}

// contents lists the files of a package.
func (r *release) contents(format, binary string) ([]content, error) {
	zsh, license := "vendor-completions", "/usr/share/doc/plumb/copyright"
	copyright := "copyright"
	if format == "rpm" {
		zsh, license, copyright = "site-functions", "/usr/share/licenses/plumb/LICENSE", "LICENSE"
	}
	all := []content{
		{binary, "/usr/bin/plumb", "", 0o755},
		{r.staged("plumb.cue"), "/etc/plumb/plumb.cue", "config|noreplace", 0o644},
		{"", "/etc/plumb", "dir", 0o755},
		{"", "/etc/plumb/secrets", "dir", 0o700},
		{r.staged("plumb.service"), "/usr/lib/systemd/system/plumb.service", "", 0o644},
		{r.staged("plumb-serve.service"), "/usr/lib/systemd/system/plumb-serve.service", "", 0o644},
		{r.staged("plumb-undo.service"), "/usr/lib/systemd/system/plumb-undo.service", "", 0o644},
		{r.staged("80-plumb.preset"), "/usr/lib/systemd/system-preset/80-plumb.preset", "", 0o644},
		{r.staged("sysusers.conf"), "/usr/lib/sysusers.d/plumb.conf", "", 0o644},
		{r.staged("completion.bash"), "/usr/share/bash-completion/completions/plumb", "", 0o644},
		{r.staged("completion.zsh"), "/usr/share/zsh/" + zsh + "/_plumb", "", 0o644},
		{r.staged("completion.fish"), "/usr/share/fish/vendor_completions.d/plumb.fish", "", 0o644},
		{r.staged("root.conf"), "/usr/share/doc/plumb/examples/root.conf", "", 0o644},
		{r.staged("changelog.gz"), "/usr/share/doc/plumb/changelog.gz", "", 0o644},
		{r.staged("sbom.cdx.json"), "/usr/share/doc/plumb/sbom.cdx.json", "", 0o644},
		{r.staged(copyright), license, "", 0o644},
	}
	pages, err := filepath.Glob(r.staged("man/*.gz"))
	for _, page := range pages {
		all = append(all, content{page, "/usr/share/man/man1/" + filepath.Base(page), "", 0o644})
	}
	return all, err
}

func (r *release) staged(name string) string { return filepath.Join(r.stage, name) }
