#include "examples/imagery/files.hpp"

#include <png.h>

#include <cerrno>
#include <csetjmp>
#include <cstdio>
#include <cstring>
#include <memory>

// jpeglib.h needs size_t and FILE declared before it.
#include <jpeglib.h>

namespace imagery {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { static_cast<void>(std::fclose(file)); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

struct JpegFailure {
  jpeg_error_mgr manager;
  std::jmp_buf back;
  char text[JMSG_LENGTH_MAX];
};

// libjpeg must not return from this; its own version ends the program.
void jpeg_failed(j_common_ptr decoder) {
  auto* failure = reinterpret_cast<JpegFailure*>(decoder->err);
  failure->manager.format_message(decoder, failure->text);
  std::longjmp(failure->back, 1);  // NOLINT(cert-err52-cpp): C code lies between, which exceptions cannot cross
}

// Everything with a destructor lives in the caller, because a failure jumps out of here.
bool decode(std::FILE* file, Image& image, JpegFailure& failure) {
  jpeg_decompress_struct decoder;
  decoder.err = jpeg_std_error(&failure.manager);
  failure.manager.error_exit = jpeg_failed;
  if (setjmp(failure.back) != 0) {  // NOLINT(cert-err52-cpp)
    jpeg_destroy_decompress(&decoder);
    return false;
  }
  jpeg_create_decompress(&decoder);
  jpeg_stdio_src(&decoder, file);
  jpeg_read_header(&decoder, TRUE);
  decoder.out_color_space = JCS_RGB;
  jpeg_start_decompress(&decoder);
  image = Image(static_cast<int>(decoder.output_width), static_cast<int>(decoder.output_height));
  while (decoder.output_scanline < decoder.output_height) {
    JSAMPROW row = &image.rgb[image.at(0, static_cast<int>(decoder.output_scanline))];
    jpeg_read_scanlines(&decoder, &row, 1);
  }
  jpeg_finish_decompress(&decoder);
  jpeg_destroy_decompress(&decoder);
  return true;
}

}  // namespace

std::optional<Image> read_jpeg(const std::string& path, std::string& error) {
  const File file(std::fopen(path.c_str(), "rbe"));
  if (!file) {
    error = path + ": " + std::strerror(errno) + " (Debian package xplanet-images has the pictures)";
    return std::nullopt;
  }
  Image image;
  JpegFailure failure{};
  if (!decode(file.get(), image, failure)) {
    error = path + ": " + failure.text;
    return std::nullopt;
  }
  return image;
}

bool write_png(const std::string& path, const Image& image, std::string& error) {
  png_image header{};
  header.version = PNG_IMAGE_VERSION;
  header.width = static_cast<png_uint_32>(image.width);
  header.height = static_cast<png_uint_32>(image.height);
  header.format = PNG_FORMAT_RGB;
  if (png_image_write_to_file(&header, path.c_str(), 0, image.rgb.data(), 0, nullptr) == 0) {
    error = path + ": " + header.message;
    return false;
  }
  return true;
}

bool write_csv(const std::string& path, const std::vector<Site>& sites, std::string& error) {
  File file(std::fopen(path.c_str(), "we"));
  bool written = file && std::fputs("number,latitude,longitude,brightness\n", file.get()) >= 0;
  int number = 0;
  for (const Site& site : sites) {
    written = written && std::fprintf(file.get(), "%d,%.3f,%.3f,%.1f\n", ++number, site.place.latitude,
                                      site.place.longitude, site.brightness) > 0;
  }
  written = written && std::fflush(file.get()) == 0;
  if (!written) error = path + ": " + std::strerror(errno);
  return written;
}

}  // namespace imagery
