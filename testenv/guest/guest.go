package guest

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Image is a bootable disk of the tiny guest.
type Image struct {
	Path   string // a qcow2 file in the cache; do not write to it
	SHA256 string // of the file
	Size   int64  // of the disk, in bytes
	Kernel string // release of the kernel in it
}

//go:embed init.sh index.cgi write.cgi ignore.cgi syslinux.cfg
var recipe embed.FS

// Build returns the image, and makes it first if the cache has none of this recipe. Several
// processes may build at once; one of them does the work.
func Build(ctx context.Context, cache string) (Image, error) {
	key, err := recipeKey()
	if err != nil {
		return Image{}, fmt.Errorf("cannot build guest: %w", err)
	}
	dir := filepath.Join(cache, "guest-"+key)
	if img, err := open(dir); err == nil {
		return img, nil
	}
	unlock, err := lock(filepath.Join(cache, "guest.lock"))
	if err != nil {
		return Image{}, fmt.Errorf("cannot build guest: %w", err)
	}
	defer unlock()
	if img, err := open(dir); err == nil {
		return img, nil
	}
	if err := build(ctx, cache, dir); err != nil {
		return Image{}, fmt.Errorf("cannot build guest: %w", err)
	}
	return open(dir)
}

func open(dir string) (Image, error) {
	var img Image
	text, err := os.ReadFile(filepath.Join(dir, "image.json"))
	if err != nil {
		return img, err
	}
	if err := json.Unmarshal(text, &img); err != nil {
		return img, err
	}
	_, err = os.Stat(img.Path)
	return img, err
}

// build works in a directory of its own and renames it when all is done.
func build(ctx context.Context, cache, dir string) error {
	work, err := os.MkdirTemp(cache, "guest-work-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	kernel, err := fetchKernel(ctx, work)
	if err != nil {
		return err
	}
	out := filepath.Join(work, "out")
	if err := os.Mkdir(out, 0o755); err != nil {
		return err
	}
	if err := writeInitrd(filepath.Join(work, "initrd.gz"), kernel); err != nil {
		return err
	}
	raw := filepath.Join(work, "tiny.raw")
	if err := writeDisk(ctx, raw, kernel.image, filepath.Join(work, "initrd.gz")); err != nil {
		return err
	}
	final := filepath.Join(out, "tiny.qcow2")
	if err := run(ctx, "qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, final); err != nil {
		return err
	}
	sum, err := digest(final)
	if err != nil {
		return err
	}
	img := Image{Path: filepath.Join(dir, "tiny.qcow2"), SHA256: sum, Size: diskSize, Kernel: kernel.release}
	text, err := json.MarshalIndent(img, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "image.json"), text, 0o644); err != nil {
		return err
	}
	os.RemoveAll(dir)
	return os.Rename(out, dir)
}

// recipeKey changes when anything changes that the image is made of, but for the kernel.
func recipeKey() (string, error) {
	sum := sha256.New()
	fmt.Fprintln(sum, layout, modules, applets)
	files, err := recipe.ReadDir(".")
	if err != nil {
		return "", err
	}
	for _, f := range files {
		text, err := recipe.ReadFile(f.Name())
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%s %d\n%s", f.Name(), len(text), text)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8]), nil
}

func digest(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

func run(ctx context.Context, argv ...string) error {
	out, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		f.Close()
		return nil, err
	}
	return func() { f.Close() }, nil
}
