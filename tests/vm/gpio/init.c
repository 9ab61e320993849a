// The first and only process of an emulated arm64 board: reads lines of its PL061, a GPIO chip, with the program's own code, and prints a
// line for each check: "ok WHAT" or "NOT OK WHAT". On "press" the host presses the board's button, which is on line 3.
#include <fcntl.h>
#include <gpiod.h>
#include <linux/reboot.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/sysfs.h"
#include "gpio/gpio.h"
#include "power/power.h"

#define PRESS_S 60
#define SUPPLY "/machine/sys/class/power_supply/BAT0"

static void check(const char *what, int is_so)
{
    printf("%s %s\n", is_so ? "ok" : "NOT OK", what);
}

static int value_of(const char *text)
{
    struct va_gpio_name name;
    va_error error;
    int r = va_gpio_parse(text, &name, &error);

    if (r == 0 && (r = va_gpio_read(&name, &error)) < 0)
        printf("# %s: %s\n", text, error.text);
    return r;
}

static void put(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

    if (fd < 0 || write(fd, text, strlen(text)) < 0)
        printf("# cannot write %s\n", path);
    close(fd);
}

// A battery that does not say whether it is charged: the line does.
static int charging_by(const char *line)
{
    const struct va_power_options options = {"/machine", line, 0};
    struct va_battery battery;
    va_error error;

    if (va_battery_read(&options, &battery, &error) == 0)
        return battery.charging;
    printf("# %s\n", error.text);
    return -2;
}

static void make_battery(void)
{
    static const char *const folders[] = {"/machine", "/machine/sys", "/machine/sys/class", "/machine/sys/class/power_supply", SUPPLY};

    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        mkdir(folders[i], 0755);
    put(SUPPLY "/type", "Battery\n");
    put(SUPPLY "/capacity", "50\n");
}

static void check_busy(void)
{
    struct gpiod_chip *chip = gpiod_chip_open_by_name("gpiochip0");
    struct gpiod_line *line = chip == NULL ? NULL : gpiod_chip_get_line(chip, 1);

    check("another program takes a line", line != NULL && gpiod_line_request_input(line, "another") == 0);
    check("which is busy then", value_of("gpiochip0:1") == VA_EBUSY);
    check("and whether the battery is charged is not known", charging_by("gpiochip0:1") == -1);
    gpiod_chip_close(chip);
    check("until it gives the line back", value_of("gpiochip0:1") == 0);
}

// The board's button holds its line for 100 ms.
static int is_pressed(const char *line, int pressed)
{
    puts("press");
    for (int i = 0; i < PRESS_S * 200; i++) {
        if (value_of(line) == pressed)
            return 1;
        usleep(5000);
    }
    return 0;
}

int main(void)
{
    struct gpiod_chip *chip;

    mkdir("/dev", 0755);
    mkdir("/sys", 0755);
    mount("dev", "/dev", "devtmpfs", 0, NULL);
    mount("sys", "/sys", "sysfs", 0, NULL);
    int console = open("/dev/console", O_RDWR);
    for (int fd = 0; fd < 3; fd++)
        dup2(console, fd);
    setvbuf(stdout, NULL, _IOLBF, 0);
    make_battery();
    chip = gpiod_chip_open_by_name("gpiochip0");
    check("the kernel has the chip", chip != NULL && strstr(gpiod_chip_label(chip), "pl061") != NULL);
    if (chip != NULL)
        gpiod_chip_close(chip);
    check("a line is low", value_of("gpiochip0:0") == 0);
    check("which is active for who says so", value_of("gpiochip0:0:low") == 1);
    check("the chip by its number", value_of("0:0") == 0);
    check("the chip by its path", value_of("/dev/gpiochip0:0") == 0);
    check("a battery is not charged", charging_by("gpiochip0:0") == 0);
    check("or is", charging_by("gpiochip0:0:low") == 1);
    check("there is no such line", value_of("gpiochip0:99") < 0 && charging_by("gpiochip0:99") == -1);
    check("there is no such chip", value_of("gpiochip7:0") == VA_ENOTFOUND && charging_by("gpiochip7:0") == -1);
    check_busy();
    check("a line that goes up is seen", is_pressed("gpiochip0:3", 1));
    check("and that it comes down", is_pressed("gpiochip0:3", 0));
    puts("end");
    reboot(LINUX_REBOOT_CMD_POWER_OFF);
    return 0;
}
